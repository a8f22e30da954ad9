// What clients send to submit jobs.
#pragma once

#include <cstdint>
#include <functional>

#include "plan/pipeline.hpp"
#include "ports/job.hpp"

namespace tessera::service {

struct Submission {
  std::vector<JobRequest> items;  ///< pipelines checked, in their full JSON form
  std::string webhook_url;        ///< empty: none
  std::string webhook_secret;
  std::int64_t stored_bytes = 0;  ///< what the items take in the state of jobs, about
};

/// What one request may cause.
struct SubmissionLimits {
  int max_items = 1000;
  /// Of Submission::stored_bytes. Every job is kept with its whole pipeline, also where the request has one
  /// for all of them.
  std::int64_t max_stored_bytes = std::int64_t{4} << 20;
  int max_steps = 5000;  ///< of all pipelines that differ; each is built once
  /// Called for every item; throws to end the work.
  std::function<void()> go_on = [] {};
};

/// Takes {"items": [{"object", "name", "pipeline", "output", "priority"}], "pipeline", "output", "priority",
/// "webhook": {"url", "secret"}}; what stands outside holds for items that do not say otherwise, and a single
/// item may stand without "items". Pipelines are text, JSON, or {"preset": NAME}. Throws Error(usage,
/// unknown_operator, bad_parameter) that names the item, and Error(limit_exceeded).
[[nodiscard]] Submission parse_submission(const Json& json, const Presets& presets,
                                          const SubmissionLimits& limits);

/// {"pipeline", "output"} alone: {"pipeline": full JSON, "text": the same as text}. Throws as above.
[[nodiscard]] Json check_pipeline(const Json& json, const Presets& presets);

}  // namespace tessera::service
