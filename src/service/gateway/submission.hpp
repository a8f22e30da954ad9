// What clients send to submit jobs.
#pragma once

#include "plan/pipeline.hpp"
#include "ports/job.hpp"

namespace tessera::service {

struct Submission {
  std::vector<JobRequest> items;  ///< pipelines checked, in their full JSON form
  std::string webhook_url;        ///< empty: none
  std::string webhook_secret;
};

/// Takes {"items": [{"object", "name", "pipeline", "output", "priority"}], "pipeline", "output", "priority",
/// "webhook": {"url", "secret"}}; what stands outside holds for items that do not say otherwise, and a single
/// item may stand without "items". Pipelines are text, JSON, or {"preset": NAME}. Throws Error(usage,
/// unknown_operator, bad_parameter) that names the item.
[[nodiscard]] Submission parse_submission(const Json& json, const Presets& presets, int max_items);

/// {"pipeline", "output"} alone: {"pipeline": full JSON, "text": the same as text}. Throws as above.
[[nodiscard]] Json check_pipeline(const Json& json, const Presets& presets);

}  // namespace tessera::service
