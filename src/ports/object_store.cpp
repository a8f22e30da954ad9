// SPDX-License-Identifier: Apache-2.0
#include "ports/object_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ports/part_uploads.hpp"

namespace tessera {

void check_object_name(const std::string& name) {
  constexpr std::size_t max_bytes = 1024;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' cannot be the name of an object: {}.", name.substr(0, 100), why));
  };
  if (name.empty() || name.size() > max_bytes) {
    refuse(fmt::format("it has {} bytes; allowed are 1 to {}", name.size(), max_bytes));
  }
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; })) {
    refuse("it contains a control character or a backslash");
  }
  if (!is_utf8(name)) {
    refuse("it is not UTF-8");
  }
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      refuse("a part between slashes is empty, '.' or '..'");
    }
    if (slash == std::string_view::npos) {
      return;
    }
    rest.remove_prefix(slash + 1);
  }
}

void check_part(const std::string& upload, int number) {
  constexpr std::size_t max_id_bytes = 1024;
  if (number < 1 || number > max_parts) {
    throw Error(ErrorCode::usage,
                fmt::format("{} is no number of a part: they go from 1 to {}.", number, max_parts));
  }
  if (upload.empty() || upload.size() > max_id_bytes ||
      std::ranges::any_of(upload, [](unsigned char c) { return c <= 0x20 || c == 0x7f; })) {
    throw Error(
        ErrorCode::usage,
        "The identifier of an upload in parts is empty, too long, or has a space or control character in it.");
  }
}

void throw_no_upload(const std::string& name, const std::string& upload) {
  throw Error(ErrorCode::not_found,
              fmt::format("There is no upload '{}' of '{}': it was completed or aborted.",
                          upload.substr(0, 100), name));
}

void check_whole_body(const std::string& name, const ByteSource& body, std::int64_t size_bytes) {
  if (const auto size = body.size(); size && *size != size_bytes) {
    throw Error(ErrorCode::io,
                fmt::format("The body of '{}' ended after {} of {} bytes.", name, size_bytes, *size));
  }
}

}  // namespace tessera
