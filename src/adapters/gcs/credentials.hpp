// Who Tessera is to Google: what lets its requests in, and what signs its links.
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
  /// Adds the headers that let a request in. Throws Error(forbidden, unavailable) if no token can be had.
  virtual void authorize(sigv4::Request& request, TimePoint now) = 0;
  /// The store has refused (401) what authorize() added: whether another attempt may fare better.
  virtual bool refused(const sigv4::Fields& headers) = 0;
  /// The query of a link, encoded, with its signature.
  [[nodiscard]] virtual std::string presign(const sigv4::Request& request, TimePoint now,
                                            std::chrono::seconds lifetime) = 0;
  /// How long a signature can be relied on.
  [[nodiscard]] virtual std::chrono::seconds longest_link() const = 0;
};

/// An HMAC key: requests and links are signed with it, nothing else is asked.
[[nodiscard]] std::unique_ptr<Credentials> hmac_credentials(std::string access_id, std::string secret);

/// A service account whose key is here: requests carry access tokens, links are signed here.
[[nodiscard]] std::unique_ptr<Credentials> service_account_credentials(ServiceAccount account, Clock now);

/// The service account of the machine of Google's that this runs on: tokens come from the metadata server at
/// `metadata_host`, and links are signed by the IAM API at `iam_endpoint` (signBlob), with a key that Google
/// keeps and changes: such links live 12 hours at most, which is as long as Google vouches for.
[[nodiscard]] std::unique_ptr<Credentials> machine_credentials(std::string metadata_host,
                                                               std::string iam_endpoint, Clock now);

/// The signature, as bytes, in an answer of signBlob. Throws Error(forbidden, unavailable).
[[nodiscard]] std::string parse_signed_blob(const HttpResponse& response, const std::string& signer);

}  // namespace tessera::gcs
