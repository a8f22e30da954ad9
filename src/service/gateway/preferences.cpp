// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/preferences.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"
#include "http/text.hpp"

namespace tessera::service {

Preferences parse_preferences(std::string_view header) {
  Preferences preferences;
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    const std::string_view entry = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    const std::string_view preference = trim(entry.substr(0, entry.find(';')));
    const std::size_t equals = std::min(preference.find('='), preference.size());
    const std::string_view name = trim(preference.substr(0, equals));
    std::string_view value = trim(preference.substr(std::min(equals + 1, preference.size())));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (http::equal_ignoring_case(name, "respond-async")) {
      preferences.respond_async = true;
    } else if (http::equal_ignoring_case(name, "wait") && !preferences.wait) {
      std::uint32_t seconds = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (error == std::errc() && end == value.data() + value.size()) {
        preferences.wait = std::chrono::seconds(seconds);
      }
    }
  }
  return preferences;
}

}  // namespace tessera::service
