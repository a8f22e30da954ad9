// SPDX-License-Identifier: Apache-2.0
// AWS credentials for requests and links, and their providers.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/bucket/refreshing_cache.hpp"
#include "net/sigv4.hpp"

namespace tessera::s3 {

using ExpiringCredentials = ExpiringValue<sigv4::Credentials>;

/// Safe to use from many threads at once.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  /// Throws Error(forbidden, unavailable) if there are no credentials.
  virtual ExpiringCredentials get() = 0;
  /// The store rejected `credentials`. Returns whether get() may return other ones now.
  virtual bool refused(const sigv4::Credentials& credentials) = 0;
};

[[nodiscard]] std::shared_ptr<CredentialsProvider> static_credentials(ExpiringCredentials credentials);

/// A web identity token that is exchanged for credentials: AssumeRoleWithWebIdentity of the Security Token
/// Service (AWS STS API Reference), or of a compatible server.
struct WebIdentity {
  std::filesystem::path token_file;  ///< read each time, because it is renewed externally
  std::string role;                  ///< ARN
  std::string session_name;
  std::string endpoint;
};
[[nodiscard]] std::shared_ptr<CredentialsProvider> web_identity_credentials(WebIdentity identity, Clock now);

/// The task role of a container (ECS, EKS Pod Identity; AWS SDKs Reference Guide, "Container credential
/// provider").
struct ContainerRole {
  std::string url;
  std::string authorization;                 ///< header value; empty: that of the file, or none
  std::filesystem::path authorization_file;  ///< read each time; empty: none
};
[[nodiscard]] std::shared_ptr<CredentialsProvider> container_credentials(ContainerRole role, Clock now);

/// The role of the EC2 instance, from the instance metadata service, version 2 (EC2 User Guide, "Use the
/// Instance Metadata Service"), at `endpoint`.
[[nodiscard]] std::shared_ptr<CredentialsProvider> instance_metadata_credentials(std::string endpoint,
                                                                                 Clock now);

/// The default credentials chain of the AWS SDKs; the first source that is configured is used:
/// - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION, as written by
///   `aws configure export-credentials --format env`; the last two are optional;
/// - AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME, exchanged at AWS_ENDPOINT_URL_STS
///   or the region's endpoint;
/// - the profile AWS_PROFILE, or "default", in AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials;
/// - AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI, with
///   AWS_CONTAINER_AUTHORIZATION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
/// - the instance's role, unless AWS_EC2_METADATA_DISABLED is true, at AWS_EC2_METADATA_SERVICE_ENDPOINT.
///
/// No request is sent yet. Throws Error(usage) for inconsistent settings.
[[nodiscard]] std::shared_ptr<CredentialsProvider> default_credentials_chain(const std::string& region,
                                                                             const Clock& now);

}  // namespace tessera::s3
