// SPDX-License-Identifier: Apache-2.0
// What the addresses of viewers name (image_server.hpp): SOURCE[@PIPELINE][~SIGNATURE].
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "plan/pipeline.hpp"
#include "service/access.hpp"

namespace tessera::service {

struct ViewIdentifier {
  explicit ViewIdentifier(const std::string& text);
  std::string subject;    ///< SOURCE[@PIPELINE]
  std::string signature;  ///< may be empty
};

/// SOURCE[@PIPELINE], taken apart.
struct ViewSubject {
  explicit ViewSubject(const std::string& text);
  std::string object;  ///< its name; empty if the source is a job
  std::string job;     ///< its id, or empty
  bool input = false;  ///< what the job was submitted with, not its result
  std::optional<std::string> pipeline;
};

/// Throws Error(not_found).
[[noreturn]] void throw_not_found(const ViewSubject& subject);
/// Throws Error(not_found), also for what the caller may not see, and Error(forbidden) for pipelines over others'
/// images. `owner` is empty if there is no such source.
void check_may_view(const ViewSubject& subject, const std::string& owner, const Caller& caller);

/// The owner's folder of an object: "alice" of "uploads/alice/photo". Empty for other names.
[[nodiscard]] std::string owner_of_object(const std::string& object);

/// SOURCE[@PIPELINE] of {"object"} or {"job", "input"}, and perhaps "pipeline" or "preset". Throws Error(usage,
/// not_found), and what check_pipeline() throws.
[[nodiscard]] std::string view_subject(const Json& json, const Presets& presets);

}  // namespace tessera::service
