// SPDX-License-Identifier: Apache-2.0
// Hashes, signatures and encodings of web protocols.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tessera {

/// SHA-256, as 32 bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);
/// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  [[nodiscard]] std::string finish();  ///< once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// HMAC-SHA-256 (RFC 2104), as 32 bytes.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// With padding (RFC 4648, section 4).
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing if the text is not base64 with padding.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// For URLs and tokens: '-' and '_' for '+' and '/', no padding (RFC 4648, section 5).
[[nodiscard]] std::string to_base64_url(std::string_view bytes);
/// Comparison whose time depends only on the lengths.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);
/// Escapes all characters except the unreserved ones (RFC 3986, section 2.3) and those in `keep`; hexadecimal
/// digits are upper case.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view keep = {});
/// Nothing for an invalid escape or an escaped zero byte. `plus_is_space` as in queries.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// The Content-Disposition value for a download named `file_name`: in UTF-8, and in ASCII for clients that do
/// not support that (RFC 6266).
[[nodiscard]] std::string attachment(std::string_view file_name);

}  // namespace tessera
