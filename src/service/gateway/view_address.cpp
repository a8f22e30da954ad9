// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/view_address.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "service/gateway/submission.hpp"

namespace tessera::service {
namespace {

constexpr char pipeline_mark = '@';
constexpr char signature_mark = '~';
constexpr std::string_view input_suffix = ":input";

}  // namespace

ViewIdentifier::ViewIdentifier(const std::string& text) : subject(text) {
  const std::size_t mark = text.rfind(signature_mark);
  if (mark != std::string::npos && Access::is_signature(std::string_view(text).substr(mark + 1))) {
    subject = text.substr(0, mark);
    signature = text.substr(mark + 1);
  }
}

ViewSubject::ViewSubject(const std::string& text) : object(text) {
  if (const std::size_t mark = text.find(pipeline_mark); mark != std::string::npos) {
    object = text.substr(0, mark);
    pipeline = text.substr(mark + 1);
  }
  if (object.starts_with("job_")) {
    job = std::exchange(object, {});
    input = job.ends_with(input_suffix);
    job.resize(job.size() - (input ? input_suffix.size() : 0));
  }
}

void throw_not_found(const ViewSubject& subject) {
  const bool is_job = !subject.job.empty();
  throw Error(ErrorCode::not_found,
              fmt::format("There is no {} '{}'; it may have expired.", is_job ? "job" : "image",
                          (is_job ? subject.job : subject.object).substr(0, 200)));
}

void check_may_view(const ViewSubject& subject, const std::string& owner, const Caller& caller) {
  if (owner.empty() || !caller.may_see(owner)) {
    throw_not_found(subject);
  }
  if (subject.pipeline && caller.owner != owner) {
    throw Error(ErrorCode::forbidden, "Only its owner may view an image through a pipeline.");
  }
}

std::string owner_of_object(const std::string& object) {
  for (const std::string_view folder : {"uploads/", "results/"}) {
    if (object.starts_with(folder)) {
      const std::size_t end = object.find('/', folder.size());
      return end == std::string::npos ? std::string() : object.substr(folder.size(), end - folder.size());
    }
  }
  return {};
}

std::string view_subject(const Json& json, const Presets& presets) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::usage, sentence); };
  if (!json.is_object()) {
    refuse("The request must be a JSON object, such as {\"job\": \"job_...\"}.");
  }
  for (const auto& [name, value] : json.items()) {
    constexpr std::array known{"object", "job", "input", "pipeline", "preset"};
    if (std::ranges::find(known, name) == known.end()) {
      refuse(fmt::format("The request has the unknown field '{}'; known are: {}.", name.substr(0, 100),
                         fmt::join(known, ", ")));
    }
    if (name == "input" ? !value.is_boolean() : name != "pipeline" && !value.is_string()) {
      refuse(fmt::format("'{}' must be {}.", name, name == "input" ? "true or false" : "a text"));
    }
  }
  if (json.contains("object") == json.contains("job")) {
    refuse("The request needs either 'object' or 'job'.");
  }
  std::string subject = json.contains("object") ? json["object"] : json["job"];
  if (json.contains("input") && json["input"].get<bool>()) {
    if (!json.contains("job")) {
      refuse("'input' goes with 'job' alone.");
    }
    subject += input_suffix;
  }
  if (subject.find(pipeline_mark) != std::string::npos) {
    throw_not_found(ViewSubject(subject));
  }
  if (json.contains("pipeline") && json.contains("preset")) {
    refuse("Give 'pipeline' or 'preset', not both.");
  }
  if (json.contains("pipeline") || json.contains("preset")) {
    const Json pipeline = json.contains("pipeline") ? json["pipeline"] : Json{{"preset", json["preset"]}};
    subject +=
        pipeline_mark + check_pipeline({{"pipeline", pipeline}}, presets).at("text").get<std::string>();
  }
  return subject;
}

}  // namespace tessera::service
