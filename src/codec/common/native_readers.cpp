// SPDX-License-Identifier: Apache-2.0
#include "codec/common/native_readers.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "base/error.hpp"

namespace tessera {

bool native_readers_enabled() {
#ifdef TESSERA_NATIVE_READERS
  const char* const variable = std::getenv("TESSERA_NATIVE_READERS");
  const std::string_view value = variable == nullptr ? "on" : variable;
  if (value != "on" && value != "off") {
    throw Error(ErrorCode::usage, fmt::format("TESSERA_NATIVE_READERS: '{}' is not on or off.", value));
  }
  return value == "on";
#else
  return false;
#endif
}

}  // namespace tessera
