// SPDX-License-Identifier: Apache-2.0
// Any body as multipart/form-data: refused with an Error, or read to the same parts whatever the pieces it
// comes in. The first byte is the length of the boundary, which follows.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "../tests/http/piece_source.hpp"
#include "base/error.hpp"
#include "http/multipart.hpp"

namespace {

using namespace tessera;
using testing::PieceSource;

/// Names, types and contents, one behind the other; nothing if the body is refused.
std::optional<std::vector<std::string>> parts_of(std::string_view body, std::string_view boundary,
                                                 std::size_t piece_bytes, std::size_t out_bytes) {
  std::vector<std::string> parts;
  std::vector<std::byte> out(out_bytes);
  try {
    PieceSource source(body, piece_bytes);
    http::MultipartReader reader(source, boundary);
    while (const auto header = reader.next()) {
      if (header->name.empty() || header->file_name.value_or("").find('/') != std::string::npos) {
        std::abort();
      }
      parts.insert(parts.end(), {header->name, header->file_name.value_or("-"), header->content_type, ""});
      while (const std::size_t count = reader.read(out)) {
        parts.back().append(reinterpret_cast<const char*>(out.data()), count);
      }
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage) {
      std::abort();
    }
    return std::nullopt;
  }
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t length = std::min<std::size_t>(data[0], text.size());
  const std::string_view boundary = text.substr(0, length);
  const std::string_view body = text.substr(length);
  constexpr std::size_t all = 4096;
  if (parts_of(body, boundary, all, all) != parts_of(body, boundary, 1 + data[0] % 7, 1 + data[0] % 5)) {
    std::abort();
  }
  return 0;
}
