// SPDX-License-Identifier: Apache-2.0
#include "plan/presets_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_bytes = std::size_t{4} << 20;

std::string content_of(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string content(max_bytes + 1, '\0');
  if (!in || in.read(content.data(), static_cast<std::streamsize>(content.size())).bad()) {
    throw Error(
        errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
        fmt::format("Cannot read the presets '{}': {}.", file, std::generic_category().message(errno)));
  }
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > max_bytes) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The presets '{}' have more than the {} bytes allowed.", file, max_bytes));
  }
  return content;
}

}  // namespace

Presets read_presets(const std::string& file) {
  const std::string content = content_of(file);
  try {
    return parse_presets(content);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("'{}': {}", file, error.what()));
  }
}

}  // namespace tessera
