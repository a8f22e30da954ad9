// SPDX-License-Identifier: Apache-2.0
// Google credentials: they authenticate requests and sign links.
#pragma once

#include <memory>
#include <string>

#include "adapters/gcs/service_account.hpp"
#include "base/clock.hpp"
#include "net/http_client.hpp"
#include "net/sigv4.hpp"

namespace tessera::gcs {

/// Safe to use from many threads at once.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// Adds the authentication headers. Throws Error(forbidden, unavailable) if no token is available.
  virtual void authorize(sigv4::Request& request, TimePoint now) = 0;
  /// The store rejected (401) what authorize() added. Returns whether a retry may succeed.
  virtual bool refused(const sigv4::Fields& headers) = 0;
  /// The encoded query of a presigned URL, with its signature.
  [[nodiscard]] virtual std::string presign(const sigv4::Request& request, TimePoint now,
                                            std::chrono::seconds lifetime) = 0;
  /// How long a signature stays valid.
  [[nodiscard]] virtual std::chrono::seconds signature_lifetime() const = 0;
};

/// An HMAC key: it signs requests and links; no other service is called.
[[nodiscard]] std::unique_ptr<Credentials> hmac_credentials(std::string access_id, std::string secret);

/// A service account with a local key: requests carry access tokens, links are signed locally.
[[nodiscard]] std::unique_ptr<Credentials> service_account_credentials(ServiceAccount account, Clock now);

/// The service account of the Google machine that this runs on: tokens come from the metadata server at
/// `metadata_host`, and links are signed by the IAM API at `iam_endpoint` (signBlob) with a key that Google
/// manages and rotates: such links live at most 12 hours, which is how long Google guarantees the key.
[[nodiscard]] std::unique_ptr<Credentials> metadata_server_credentials(std::string metadata_host,
                                                                       std::string iam_endpoint, Clock now);

/// The signature bytes in a signBlob response. Throws Error(forbidden, unavailable).
[[nodiscard]] std::string parse_signed_blob(const HttpResponse& response, const std::string& signer);

}  // namespace tessera::gcs
