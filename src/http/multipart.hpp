// SPDX-License-Identifier: Apache-2.0
// A streaming parser for multipart bodies (RFC 7578, multipart/form-data).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/text.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::http {

struct PartHeader {
  std::string name;                      ///< name of the form field
  std::optional<std::string> file_name;  ///< set if the part is a file; without directories
  std::string content_type;
};

/// Reads one part after the other, with bounded memory.
class MultipartReader {
 public:
  /// `body` must outlive it. Throws Error(usage) for an invalid boundary (RFC 2046, section 5.1.1).
  MultipartReader(ByteSource& body, std::string_view boundary);

  /// The next part; skips unread data of the previous one. Nothing after the last. Throws Error(usage) if the
  /// body is malformed or truncated.
  [[nodiscard]] std::optional<PartHeader> next();
  /// Reads the part's content, like ByteSource::read(). Throws as next().
  std::size_t read(std::span<std::byte> out);

 private:
  /// Reads more into the buffer; false at the body's end.
  bool fill();
  std::string read_line();
  void pass_over_delimiter();
  [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(at_); }

  ByteSource& body_;
  std::string delimiter_;  ///< CRLF, two dashes and the boundary
  std::string buffer_;
  std::size_t at_ = 0;  ///< position of unread data in the buffer
  bool in_part_ = false;
  bool ended_ = false;
};

}  // namespace tessera::http
