// Bodies of several parts (RFC 7578, multipart/form-data), read as they come.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/text.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::http {

struct PartHeader {
  std::string name;                      ///< of the form's field
  std::optional<std::string> file_name;  ///< set if the part is a file; without folders
  std::string content_type;
};

/// Reads one part after the other; never holds more than a piece of one in memory.
class MultipartReader {
 public:
  /// `body` must outlive it. Throws Error(usage) for a boundary that cannot be (RFC 2046, section 5.1.1).
  MultipartReader(ByteSource& body, std::string_view boundary);

  /// The next part; what was not read of the one before is passed over. Nothing after the last. Throws
  /// Error(usage) when the body is not what it should be, or ends too soon.
  [[nodiscard]] std::optional<PartHeader> next();
  /// More of the part's content, as ByteSource::read. Throws as next().
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
  std::size_t at_ = 0;  ///< what is before it in the buffer has been read
  bool in_part_ = false;
  bool ended_ = false;
};

}  // namespace tessera::http
