// SPDX-License-Identifier: Apache-2.0
// The header Prefer (RFC 7240), as far as it concerns waiting.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace tessera::service {

struct Preferences {
  std::optional<std::chrono::seconds> wait;  ///< wait=SECONDS
  bool respond_async = false;
};

/// Preferences that are unknown or malformed are ignored, as the RFC wants it.
[[nodiscard]] Preferences parse_preferences(std::string_view header);

}  // namespace tessera::service
