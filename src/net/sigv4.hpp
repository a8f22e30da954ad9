// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4 (AWS General Reference, "Signature Version 4 signing process") and Google's V4
// signing process (Cloud Storage documentation, "Signatures"), which differs only in names, as pure
// functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace tessera::sigv4 {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty: none
  bool operator==(const Credentials&) const = default;
};
/// Names in the string to sign that differ between the protocols.
struct Dialect {
  std::string_view algorithm;
  std::string_view key_prefix;  ///< prefix of the HMAC secret
  std::string_view terminator;  ///< last part of the credential scope
  std::string_view vendor;      ///< of headers x-VENDOR-date and query fields X-VENDOR-Date: "Amz"
};
inline constexpr Dialect amazon{"AWS4-HMAC-SHA256", "AWS4", "aws4_request", "Amz"};
inline constexpr Dialect google_hmac{"GOOG4-HMAC-SHA256", "GOOG4", "goog4_request", "Goog"};
inline constexpr Dialect google_rsa{"GOOG4-RSA-SHA256", {}, "goog4_request", "Goog"};

/// Credential scope of a signature.
struct Scope {
  std::string region;
  std::string service = "s3";
  Dialect dialect = amazon;
};

/// "20150830T123600Z"
[[nodiscard]] std::string amz_date(TimePoint time);

struct Request {
  std::string method;
  std::string path;          ///< percent-encoded
  Fields query;              ///< decoded
  Fields headers;            ///< the signed headers, including host
  std::string payload_hash;  ///< hexadecimal SHA-256 of the body, or UNSIGNED-PAYLOAD
};
/// "host;x-amz-date": names in lower case, sorted.
[[nodiscard]] std::string signed_headers(const Fields& headers);
/// Encoded and sorted, as signed; may also be sent.
[[nodiscard]] std::string canonical_query(const Fields& query);
[[nodiscard]] std::string canonical_request(const Request& request);
[[nodiscard]] std::string string_to_sign(const std::string& canonical_request, const Scope& scope,
                                         TimePoint time);
[[nodiscard]] std::string signature(const Request& request, const Credentials& credentials,
                                    const Scope& scope, TimePoint time);

/// Adds x-amz-date, x-amz-content-sha256 (required by S3), x-amz-security-token and Authorization, with the
/// dialect's names. `headers` must contain host.
void sign_headers(Request& request, const Credentials& credentials, const Scope& scope, TimePoint time);
/// The encoded query of a presigned URL, with its signature. The payload is not signed.
[[nodiscard]] std::string presign_query(Request request, const Credentials& credentials, const Scope& scope,
                                        TimePoint time, std::chrono::seconds lifetime);
/// The same, signed by a key that is not a shared secret: `sign` returns the signature of a string to sign,
/// in hexadecimal. `signer` is the key's owner.
[[nodiscard]] std::string presign_query(Request request, const std::string& signer,
                                        const std::function<std::string(const std::string&)>& sign,
                                        const Scope& scope, TimePoint time, std::chrono::seconds lifetime);

}  // namespace tessera::sigv4
