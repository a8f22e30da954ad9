// SPDX-License-Identifier: Apache-2.0
// A job as the service keeps it, and its JSON form (in the store, in events and in responses).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// queued -> running -> storing -> done, failed or cancelled. A job becomes queued again when its node
/// returns it to the queue. The last three states are final: only a user's retry changes them.
enum class JobState : std::uint8_t { queued, running, storing, done, failed, cancelled };
[[nodiscard]] std::string_view to_string(JobState state);
/// Throws Error(usage) for anything else.
[[nodiscard]] JobState parse_job_state(std::string_view text);
[[nodiscard]] constexpr bool is_final(JobState state) { return state >= JobState::done; }
[[nodiscard]] std::string_view to_string(Priority priority);
[[nodiscard]] Priority parse_priority(std::string_view text);

/// What the client requested. Never changes.
struct JobRequest {
  std::string object;             ///< of the input, in the object store
  std::string object_tag;         ///< its etag when the job was accepted; empty: not known
  std::string name;               ///< display name of the input: "photo.jpg"
  Json pipeline = Json::array();  ///< as to_json(PipelineSteps) gives it
  Json output = Json::object();   ///< {"format": "png", "quality": 85, "strip": false, ...}; all optional
  Priority priority = Priority::interactive;
};

struct JobFailure {
  std::string code;      ///< a name of the error table: "damaged-input"
  std::string sentence;  ///< shown to users
  bool operator==(const JobFailure&) const = default;
};

struct JobResult {
  std::string object;     ///< in the object store
  std::string file_name;  ///< suggested download name: "photo-gaussian-blur.png"
  std::string content_type;
  std::int64_t size_bytes = 0;
  std::int64_t width_px = 0;
  std::int64_t height_px = 0;
  Json findings = Json::array();  ///< lists such as Hough lines: [{"operator", "columns", "count", "rows"}]
  std::vector<std::string> warnings;  ///< what was dropped, converted or not understood, a sentence each
  bool operator==(const JobResult&) const = default;
};

struct Job {
  std::string id;        ///< sorts by time of creation
  std::string batch_id;  ///< jobs submitted together; always set
  std::string owner;     ///< the client whose token it was
  std::string request_id;
  JobRequest request;
  int generation = 1;
  JobState state = JobState::queued;
  int attempt = 0;      ///< of this generation: how often ranks worked on it, not counting attempts that were
                        ///< stopped without a result, or that were lost together with the node
  double fraction = 0;  ///< 0..1
  std::string stage;    ///< progress text while running: "gaussian-blur | otsu"
  std::string node;     ///< that works or last worked on it
  Json layout = Json();  ///< {"mode": "farm"|"split", "ranks": [...]}; null before it runs
  std::optional<JobFailure> failure;
  std::optional<JobResult> result;  ///< while storing: the upload in progress; complete when the job is done
  TimePoint created{};
  TimePoint updated{};
};

[[nodiscard]] Json to_json(const JobRequest& request);
[[nodiscard]] JobRequest request_from_json(const Json& json);
[[nodiscard]] Json to_json(const JobResult& result);
[[nodiscard]] JobResult result_from_json(const Json& json);
/// The full record; the gateway adds links and removes object names before clients see it.
[[nodiscard]] Json to_json(const Job& job);
/// These and request_from_json, result_from_json throw Unreadable (ports/stored_json.hpp).
[[nodiscard]] Job job_from_json(const Json& json);
[[nodiscard]] Job job_from_text(std::string_view text);

}  // namespace tessera
