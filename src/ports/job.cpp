// SPDX-License-Identifier: Apache-2.0
#include "ports/job.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera {
namespace {

constexpr std::array<std::string_view, 6> state_names{"queued", "running", "storing",
                                                      "done",   "failed",  "cancelled"};
constexpr std::array<std::string_view, 2> priority_names{"interactive", "bulk"};

template <class E, std::size_t N>
E parse_name(const std::array<std::string_view, N>& names, std::string_view text, std::string_view what) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) {
      return static_cast<E>(i);
    }
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}' is no {}; use one of: {}.", text, what, fmt::join(names, ", ")));
}

/// Checks that the operators' names of a stored pipeline can be read.
void check_pipeline(const Json& pipeline) {
  constexpr const char* what = "the pipeline of a job";
  if (pipeline.is_array() && pipeline.empty()) {
    return;
  }
  for (const Json& step : StoredFields(pipeline, what).array("operators", Json::array())) {
    static_cast<void>(StoredFields(step, "an operator of the pipeline of a job").text("name"));
  }
}

/// Parses a stored name; throws Unreadable if it is unknown.
template <class T>
T known(T (*parse)(std::string_view), const std::string& text) {
  try {
    return parse(text);
  } catch (const Error& error) {
    throw Unreadable(error.what());
  }
}

}  // namespace

std::string_view to_string(JobState state) { return state_names.at(static_cast<std::size_t>(state)); }
JobState parse_job_state(std::string_view text) {
  return parse_name<JobState>(state_names, text, "state of a job");
}
std::string_view to_string(Priority priority) {
  return priority_names.at(static_cast<std::size_t>(priority));
}
Priority parse_priority(std::string_view text) {
  return parse_name<Priority>(priority_names, text, "priority");
}

Json to_json(const JobRequest& request) {
  return {{"object", request.object}, {"object_tag", request.object_tag},
          {"name", request.name},     {"pipeline", request.pipeline},
          {"output", request.output}, {"priority", to_string(request.priority)}};
}

JobRequest request_from_json(const Json& json) {
  const StoredFields fields(json, "the request of a job");
  JobRequest request;
  request.object = fields.text("object");
  request.object_tag = fields.text("object_tag", "");
  request.name = fields.text("name", "");
  request.pipeline = fields.at("pipeline");
  check_pipeline(request.pipeline);
  request.output = fields.object("output", Json::object());
  request.priority = known<Priority>(parse_priority, fields.text("priority", "interactive"));
  return request;
}

Json to_json(const JobResult& result) {
  return {{"object", result.object},
          {"file_name", result.file_name},
          {"content_type", result.content_type},
          {"size_bytes", result.size_bytes},
          {"width_px", result.width_px},
          {"height_px", result.height_px},
          {"findings", result.findings},
          {"warnings", result.warnings}};
}

JobResult result_from_json(const Json& json) {
  const StoredFields fields(json, "the result of a job");
  return {.object = fields.text("object"),
          .file_name = fields.text("file_name", ""),
          .content_type = fields.text("content_type", "application/octet-stream"),
          .size_bytes = fields.integer("size_bytes", 0),
          .width_px = fields.integer("width_px", 0),
          .height_px = fields.integer("height_px", 0),
          .findings = fields.array("findings", Json::array()),
          .warnings = fields.texts("warnings")};
}

Json to_json(const Job& job) {
  Json json{{"v", stored_version},          {"id", job.id},
            {"batch", job.batch_id},        {"owner", job.owner},
            {"request_id", job.request_id}, {"request", to_json(job.request)},
            {"generation", job.generation}, {"state", to_string(job.state)},
            {"attempt", job.attempt},       {"fraction", job.fraction},
            {"stage", job.stage},           {"node", job.node},
            {"layout", job.layout}};
  if (job.failure) {
    json["failure"] = {{"code", job.failure->code}, {"sentence", job.failure->sentence}};
  }
  if (job.result) {
    json["result"] = to_json(*job.result);
  }
  json["created"] = to_iso8601(job.created);
  json["updated"] = to_iso8601(job.updated);
  return json;
}

Job job_from_json(const Json& json) {
  const StoredFields fields(json, "the record of a job");
  Job job;
  job.id = fields.text("id");
  job.batch_id = fields.text("batch");
  job.owner = fields.text("owner");
  job.request_id = fields.text("request_id", "");
  job.request = request_from_json(fields.at("request"));
  job.generation = fields.small_integer("generation", 1);
  job.state = known<JobState>(parse_job_state, fields.text("state"));
  job.attempt = fields.small_integer("attempt", 0);
  job.fraction = fields.number("fraction", 0);
  job.stage = fields.text("stage", "");
  job.node = fields.text("node", "");
  job.layout = fields.has("layout") ? fields.at("layout") : Json();  // for display only
  if (fields.has("failure")) {
    const StoredFields failure(fields.at("failure"), "the failure of a job");
    job.failure = JobFailure{failure.text("code", "internal"), failure.text("sentence", "")};
  }
  if (fields.has("result")) {
    job.result = result_from_json(fields.at("result"));
  }
  job.created = known<TimePoint>(time_from_iso8601, fields.text("created", to_iso8601(TimePoint{})));
  job.updated = known<TimePoint>(time_from_iso8601, fields.text("updated", to_iso8601(job.created)));
  return job;
}

Job job_from_text(std::string_view text) { return job_from_json(parse_stored(text, "the record of a job")); }

}  // namespace tessera
