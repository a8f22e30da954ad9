// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/submission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "ports/object_store.hpp"
#include "schema/output_options.hpp"

namespace tessera::service {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::usage, sentence); }

void check_fields(const Json& json, std::initializer_list<std::string_view> known, const std::string& where) {
  if (!json.is_object()) {
    refuse(fmt::format("{} must be a JSON object.", where));
  }
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      refuse(fmt::format("{} has the unknown field '{}'; known are: {}.", where, name.substr(0, 100),
                         fmt::join(known, ", ")));
    }
  }
}

std::string text_of(const Json& json, const char* field, const std::string& where) {
  const auto found = json.find(field);
  if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    refuse(fmt::format("{} needs '{}', a text.", where, field));
  }
  return *found;
}

/// The pipeline parser's messages are written for the command line.
std::string for_http_clients(std::string sentence) {
  constexpr std::string_view command = "'tessera ops' lists";
  constexpr std::string_view path = "GET /v1/operators lists";
  if (const std::size_t at = sentence.find(command); at != std::string::npos) {
    sentence.replace(at, command.size(), path);
  }
  return sentence;
}

/// {"preset": NAME} beside the other fields stands for {"pipeline": {"preset": NAME}}.
void expand_preset(Json& json, const std::string& where) {
  const auto preset = json.is_object() ? json.find("preset") : json.end();
  if (preset == json.end()) {
    return;
  }
  if (!preset->is_string() || json.contains("pipeline")) {
    refuse(fmt::format("{}: 'preset' must be a text, and stands in place of 'pipeline'.", where));
  }
  json["pipeline"] = {{"preset", *preset}};
  json.erase("preset");
}

PipelineSteps checked_pipeline(const Json& json, const Presets& presets, const std::string& where) {
  try {
    std::string text;
    if (json.is_string()) {
      text = json;
    } else if (json.is_object() && json.contains("preset")) {
      text = Json::array({json}).dump();
    } else if (json.is_object() || json.is_array()) {
      text = json.dump();
    } else {
      refuse("A pipeline is a text or JSON.");
    }
    PipelineSteps pipeline = parse_pipeline(text, presets);
    static_cast<void>(build_pipeline(pipeline));
    return pipeline;
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", where, for_http_clients(error.what())));
  }
}

/// Validates each distinct pipeline of a submission once.
class CheckedPipelines {
 public:
  CheckedPipelines(const Presets& presets, const SubmissionLimits& limits)
      : presets_(presets), limits_(limits) {}

  struct Checked {
    Json json;  ///< in full form
    std::int64_t size_bytes = 0;
  };
  const Checked& of(const Json& given, const std::string& where) {
    // A pipeline shared by all items is not even serialized again for each.
    if (&given == last_given_) {
      return *last_;
    }
    const auto [known, fresh] = checked_.try_emplace(given.dump());
    if (fresh) {
      const PipelineSteps pipeline = checked_pipeline(given, presets_, where);
      steps_ += std::ssize(pipeline);
      if (steps_ > limits_.max_steps) {
        throw Error(
            ErrorCode::limit_exceeded,
            fmt::format("{}: up to here the different pipelines of the request have {} operators; one "
                        "request may have {}. Send it in smaller parts.",
                        where, steps_, limits_.max_steps));
      }
      known->second.json = to_json(pipeline);
      known->second.size_bytes = std::ssize(known->second.json.dump());
    }
    last_given_ = &given;
    last_ = &known->second;
    return *last_;
  }

 private:
  const Presets& presets_;
  const SubmissionLimits& limits_;
  std::unordered_map<std::string, Checked> checked_;  ///< by the given JSON
  const Json* last_given_ = nullptr;
  const Checked* last_ = nullptr;
  std::int64_t steps_ = 0;
};

const Json& either(const Json& item, const Json& outside, const char* field) {
  static const Json none;
  return item.contains(field) ? item[field] : outside.contains(field) ? outside[field] : none;
}

JobRequest parse_item(const Json& item, const Json& outside, CheckedPipelines& pipelines,
                      const SubmissionLimits& limits, Submission& submission, const std::string& where) {
  // Approximate size of a job's other fields.
  constexpr std::int64_t record_bytes = 512;
  limits.check_cancelled();
  JobRequest request;
  request.object = text_of(item, "object", where);
  check_object_name(request.object);
  request.name = item.contains("name") ? text_of(item, "name", where)
                                       : request.object.substr(request.object.rfind('/') + 1);
  if (request.name.size() > 255 || request.name.find_first_of("/\\") != std::string::npos) {
    refuse(fmt::format("{}: 'name' must be a file's name without '/' and '\\', at most 255 bytes.", where));
  }
  if (has_control_characters(request.name)) {
    refuse(
        fmt::format("{}: 'name' is '{}'; it must have no control characters, and none that change the "
                    "direction of writing.",
                    where, printable(request.name)));
  }
  const Json& pipeline = either(item, outside, "pipeline");
  if (pipeline.is_null()) {
    refuse(
        fmt::format("{} needs 'pipeline', a text such as \"gaussian-blur sigma=2 | otsu\" or JSON.", where));
  }
  const CheckedPipelines::Checked& checked = pipelines.of(pipeline, where);
  submission.stored_bytes +=
      record_bytes + checked.size_bytes + std::ssize(request.object) + std::ssize(request.name);
  if (submission.stored_bytes > limits.max_stored_bytes) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("{}: up to here the jobs of the request take {} bytes, because each is kept with its "
                    "whole pipeline; one request may take {}. Send fewer items at a time.",
                    where, submission.stored_bytes, limits.max_stored_bytes));
  }
  request.pipeline = checked.json;
  const Json& output = either(item, outside, "output");
  request.output =
      output.is_null() ? Json::object() : to_json(output_options_from_json(output, where + ".output"));
  const Json& priority = either(item, outside, "priority");
  if (!priority.is_null()) {
    if (!priority.is_string()) {
      refuse(fmt::format("{}: 'priority' must be interactive or bulk.", where));
    }
    request.priority = parse_priority(priority.get<std::string>());
  }
  return request;
}

void parse_webhook(const Json& json, Submission& submission) {
  constexpr std::size_t min_secret_bytes = 16;
  constexpr std::size_t max_secret_bytes = 256;
  constexpr std::size_t max_url_bytes = 2048;
  const auto webhook = json.find("webhook");
  if (webhook == json.end()) {
    return;
  }
  check_fields(*webhook, {"url", "secret"}, "'webhook'");
  submission.webhook_url = text_of(*webhook, "url", "'webhook'");
  submission.webhook_secret = text_of(*webhook, "secret", "'webhook'");
  const std::string& url = submission.webhook_url;
  const bool fine = (url.starts_with("https://") || url.starts_with("http://")) &&
                    url.size() <= max_url_bytes &&
                    std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 127; });
  if (!fine) {
    refuse(
        fmt::format("'webhook': 'url' is '{}'; it must begin with https:// or http://, be at most {} bytes "
                    "long and have no spaces.",
                    url.substr(0, 100), max_url_bytes));
  }
  if (submission.webhook_secret.size() < min_secret_bytes ||
      submission.webhook_secret.size() > max_secret_bytes) {
    refuse(fmt::format("'webhook': 'secret' has {} bytes; it must have {} to {}.",
                       submission.webhook_secret.size(), min_secret_bytes, max_secret_bytes));
  }
}

}  // namespace

Submission parse_submission(Json json, const Presets& presets, const SubmissionLimits& limits) {
  expand_preset(json, "The request");
  Submission submission;
  CheckedPipelines pipelines(presets, limits);
  const bool many = json.is_object() && json.contains("items");
  if (many) {
    check_fields(json, {"items", "pipeline", "output", "priority", "webhook"}, "The request");
    Json& items = json["items"];
    if (!items.is_array() || items.empty() || static_cast<int>(items.size()) > limits.max_items) {
      refuse(fmt::format("'items' must be a list of 1 to {} items; it has {}.", limits.max_items,
                         items.is_array() ? items.size() : 0));
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string where = fmt::format("items[{}]", i);
      expand_preset(items[i], where);
      check_fields(items[i], {"object", "name", "pipeline", "output", "priority"}, where);
      submission.items.push_back(parse_item(items[i], json, pipelines, limits, submission, where));
    }
  } else {
    check_fields(json, {"object", "name", "pipeline", "output", "priority", "webhook"}, "The request");
    submission.items.push_back(
        parse_item(json, Json::object(), pipelines, limits, submission, "The request"));
  }
  parse_webhook(json, submission);
  return submission;
}

Json check_pipeline(Json json, const Presets& presets) {
  expand_preset(json, "The request");
  check_fields(json, {"pipeline", "output"}, "The request");
  const PipelineSteps pipeline = checked_pipeline(either(json, json, "pipeline"), presets, "The pipeline");
  if (json.contains("output")) {
    static_cast<void>(output_options_from_json(json["output"], "'output'"));
  }
  return {{"pipeline", to_json(pipeline)}, {"text", to_text(pipeline)}};
}

}  // namespace tessera::service
