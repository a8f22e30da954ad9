// Who Tessera is to Amazon S3: the keys that sign its requests and links, and who gives them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/bucket/perishable.hpp"
#include "net/sigv4.hpp"

namespace tessera::s3 {

using Keys = Perishable<sigv4::Credentials>;

/// Safe to use from many threads at once.
class KeySource {
 public:
  virtual ~KeySource() = default;
  /// Throws Error(forbidden, unavailable) if there are none to be had.
  virtual Keys get() = 0;
  /// The store has refused these: whether get() may give others now.
  virtual bool refused(const sigv4::Credentials& keys) = 0;
};

[[nodiscard]] std::shared_ptr<KeySource> fixed_keys(Keys keys);

/// For whom a token is exchanged for keys: AssumeRoleWithWebIdentity of Amazon's Security Token Service (AWS
/// STS API Reference), or of a server that speaks its protocol.
struct WebIdentity {
  std::filesystem::path token_file;  ///< read each time: others renew it
  std::string role;                  ///< its ARN
  std::string session_name;
  std::string endpoint;
};
[[nodiscard]] std::shared_ptr<KeySource> web_identity_keys(WebIdentity identity, Clock now);

/// The role of a container (ECS, EKS Pod Identity; AWS SDKs Reference Guide, "Container credential
/// provider").
struct ContainerRole {
  std::string url;
  std::string authorization;                 ///< the header's value; empty: the file's, or none
  std::filesystem::path authorization_file;  ///< read each time; empty: none
};
[[nodiscard]] std::shared_ptr<KeySource> container_keys(ContainerRole role, Clock now);

/// The role of the EC2 instance that this runs on, asked of its metadata service, version 2 (EC2 User Guide,
/// "Use the Instance Metadata Service"), at `endpoint`.
[[nodiscard]] std::shared_ptr<KeySource> machine_keys(std::string endpoint, Clock now);

/// As Amazon's own tools find them, the first of:
/// - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION, as `aws
/// configure
///   export-credentials --format env` writes them; the last two may be missing;
/// - AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME, exchanged at AWS_ENDPOINT_URL_STS
/// or
///   the region's;
/// - the profile AWS_PROFILE, or "default", in AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials;
/// - AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI, with
///   AWS_CONTAINER_AUTHORIZATION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
/// - the machine's role, unless AWS_EC2_METADATA_DISABLED is true, at AWS_EC2_METADATA_SERVICE_ENDPOINT.
/// Nobody is asked yet. Throws Error(usage) for settings that cannot be meant.
[[nodiscard]] std::shared_ptr<KeySource> keys_of_environment(const std::string& region, const Clock& now);

}  // namespace tessera::s3
