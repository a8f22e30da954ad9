// AWS Signature Version 4 (AWS General Reference, "Signature Version 4 signing process"), as pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/clock.hpp"

namespace tessera::sigv4 {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty: none
};
/// For whom a signature is good.
struct Scope {
  std::string region;
  std::string service = "s3";
};

/// "20150830T123600Z"
[[nodiscard]] std::string amz_date(TimePoint time);

struct Request {
  std::string method;
  std::string path;          ///< percent-encoded, as it is sent
  Fields query;              ///< decoded
  Fields headers;            ///< those that are signed, host among them
  std::string payload_hash;  ///< hexadecimal SHA-256 of the body, or UNSIGNED-PAYLOAD
};
/// "host;x-amz-date": names in lower case, sorted.
[[nodiscard]] std::string signed_headers(const Fields& headers);
/// Encoded and sorted, as it is signed and may be sent.
[[nodiscard]] std::string canonical_query(const Fields& query);
[[nodiscard]] std::string canonical_request(const Request& request);
[[nodiscard]] std::string string_to_sign(const std::string& canonical_request, const Scope& scope,
                                         TimePoint time);
[[nodiscard]] std::string signature(const Request& request, const Credentials& credentials,
                                    const Scope& scope, TimePoint time);

/// Adds x-amz-date, x-amz-content-sha256 (S3 wants it), x-amz-security-token and Authorization. `headers`
/// must have host.
void sign_headers(Request& request, const Credentials& credentials, const Scope& scope, TimePoint time);
/// The query of a presigned link, encoded, with its signature. The payload is not signed.
[[nodiscard]] std::string presign_query(Request request, const Credentials& credentials, const Scope& scope,
                                        TimePoint time, std::chrono::seconds lifetime);

}  // namespace tessera::sigv4
