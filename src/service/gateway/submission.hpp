// SPDX-License-Identifier: Apache-2.0
// Parsing of submissions.
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
  std::int64_t stored_bytes = 0;  ///< approximate size of the items in the state store
};

/// Limits for one request.
struct SubmissionLimits {
  int max_items = 1000;
  /// Limit for Submission::stored_bytes. Every job is stored with its whole pipeline, even if the request has
  /// one for all of them.
  std::int64_t max_stored_bytes = std::int64_t{4} << 20;
  int max_steps = 5000;  ///< operators in all distinct pipelines
  /// Called for every item; throws to cancel parsing.
  std::function<void()> check_cancelled = [] {};
};

/// Parses {"items": [{"object", "name", "pipeline", "output", "priority"}], "pipeline", "output", "priority",
/// "webhook": {"url", "secret"}}; "preset": NAME may stand in place of "pipeline"; outer fields are defaults for the items, and a single item may be given
/// without "items". Pipelines are text, JSON, or {"preset": NAME}. Throws Error(usage, unknown_operator,
/// bad_parameter) that names the item, and Error(limit_exceeded).
[[nodiscard]] Submission parse_submission(Json json, const Presets& presets, const SubmissionLimits& limits);

/// Checks {"pipeline", "output"}; returns {"pipeline": full JSON, "text": the same as text}. Throws as above.
[[nodiscard]] Json check_pipeline(Json json, const Presets& presets);

}  // namespace tessera::service
