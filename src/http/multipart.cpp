// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace tessera::http {
namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;
constexpr std::size_t max_line_bytes = std::size_t{8} << 10;
constexpr int max_header_lines = 32;
constexpr std::size_t max_boundary_bytes = 70;
constexpr std::string_view line_end = "\r\n";

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::usage, "The request's body is not valid multipart/form-data: " + what);
}

std::string without_folders(const std::string& path) {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

MultipartReader::MultipartReader(ByteSource& body, std::string_view boundary)
    : body_(body), delimiter_("\r\n--" + std::string(boundary)) {
  if (boundary.empty() || boundary.size() > max_boundary_bytes) {
    refuse(fmt::format("its boundary has {} characters; it must have 1 to {}.", boundary.size(),
                       max_boundary_bytes));
  }
  // The first delimiter may be at the very beginning; data before it is ignored.
  buffer_ = line_end;
}

bool MultipartReader::fill() {
  // Done here rather than after each read: with thousands of small parts, the rest would be moved each time.
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + piece_bytes);
  const std::size_t count =
      body_.read(std::as_writable_bytes(std::span(buffer_.data() + before, piece_bytes)));
  buffer_.resize(before + count);
  return count > 0;
}

std::string MultipartReader::read_line() {
  for (;;) {
    const std::string_view rest = unread();
    const std::size_t end = rest.find(line_end);
    if (end != std::string::npos) {
      std::string line(rest.substr(0, end));
      at_ += end + line_end.size();
      return line;
    }
    if (rest.size() > max_line_bytes) {
      refuse(fmt::format("a line of a part's header is longer than {} bytes.", max_line_bytes));
    }
    if (!fill()) {
      refuse("it ends within a part's header.");
    }
  }
}

void MultipartReader::pass_over_delimiter() {
  at_ += delimiter_.size();
  while (unread().size() < 2) {
    if (!fill()) {
      refuse("it ends within a delimiter.");
    }
  }
  if (unread().starts_with("--")) {
    ended_ = true;
    return;
  }
  const std::string padding = read_line();
  if (padding.find_first_not_of(" \t") != std::string::npos) {
    refuse("something follows the boundary on its line.");
  }
}

std::optional<PartHeader> MultipartReader::next() {
  if (ended_) {
    return std::nullopt;
  }
  // Skips the preamble, or the rest of the previous part.
  in_part_ = true;
  std::byte passed_over[4096];
  while (read(passed_over) > 0) {
  }
  pass_over_delimiter();
  if (ended_) {
    return std::nullopt;
  }
  PartHeader part;
  std::string disposition;
  for (int lines = 0;; ++lines) {
    if (lines > max_header_lines) {
      refuse(fmt::format("a part has more than {} header lines.", max_header_lines));
    }
    const std::string line = read_line();
    if (line.empty()) {
      break;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) {
      refuse("a part has a header line without a colon.");
    }
    const std::string_view name = trim(std::string_view(line).substr(0, colon));
    const std::string_view value = trim(std::string_view(line).substr(colon + 1));
    if (equal_ignoring_case(name, "Content-Disposition")) {
      disposition = value;
    } else if (equal_ignoring_case(name, "Content-Type")) {
      part.content_type = value;
    }
  }
  if (!equal_ignoring_case(media_type(disposition), "form-data")) {
    refuse("a part has no 'Content-Disposition: form-data'.");
  }
  part.name = header_parameter(disposition, "name");
  if (part.name.empty()) {
    refuse("a part has no name.");
  }
  std::string file_name = header_parameter(disposition, "filename");
  if (!file_name.empty()) {
    part.file_name = without_folders(file_name);
  }
  in_part_ = true;
  return part;
}

std::size_t MultipartReader::read(std::span<std::byte> out) {
  if (!in_part_ || out.empty()) {
    return 0;
  }
  for (;;) {
    // Limited to the size of `out`: otherwise small reads of a long part would search the rest each time.
    const std::string_view near = unread().substr(0, out.size() + delimiter_.size());
    const std::size_t found = near.find(delimiter_);
    if (found == 0) {
      in_part_ = false;
      return 0;
    }
    // A possible start of a delimiter needs more data.
    const std::size_t certain =
        found != std::string::npos ? found : near.size() - std::min(near.size(), delimiter_.size() - 1);
    if (certain > 0) {
      const std::size_t count = std::min(certain, out.size());
      std::memcpy(out.data(), near.data(), count);
      at_ += count;
      return count;
    }
    if (!fill()) {
      refuse("it ends before its last boundary.");
    }
  }
}

}  // namespace tessera::http
