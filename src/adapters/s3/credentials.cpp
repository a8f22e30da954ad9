// SPDX-License-Identifier: Apache-2.0
#include "adapters/s3/credentials.hpp"

#include <fmt/format.h>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/s3/credentials_responses.hpp"
#include "base/error.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::s3 {
namespace {

constexpr const char* ecs_endpoint = "http://169.254.170.2";
constexpr const char* imds_endpoint = "http://169.254.169.254";

class StaticCredentialsProvider final : public CredentialsProvider {
 public:
  explicit StaticCredentialsProvider(ExpiringCredentials credentials)
      : credentials_(std::move(credentials)) {}
  ExpiringCredentials get() override { return credentials_; }
  bool refused(const sigv4::Credentials&) override { return false; }

 private:
  ExpiringCredentials credentials_;
};

/// A profile in a file as written by `aws configure`. The file is read each time, because other programs may
/// renew it.
class ProfileCredentialsProvider final : public CredentialsProvider {
 public:
  ProfileCredentialsProvider(std::filesystem::path file, std::string profile)
      : file_(std::move(file)), profile_(std::move(profile)) {}

  /// Nothing if the file has no such profile.
  [[nodiscard]] std::optional<sigv4::Credentials> read() const {
    try {
      return parse_profile(read_small_file(file_), profile_);
    } catch (const Error& error) {
      throw Error(ErrorCode::forbidden,
                  fmt::format("'{}' provides no credentials for S3: {}", file_.string(), error.what()));
    }
  }
  ExpiringCredentials get() override {
    auto credentials = read();
    if (!credentials) {
      throw Error(ErrorCode::forbidden, fmt::format("'{}' has no profile '{}'.", file_.string(), profile_));
    }
    return {*std::move(credentials), std::nullopt};
  }
  bool refused(const sigv4::Credentials& credentials) override { return get().value != credentials; }

 private:
  std::filesystem::path file_;
  std::string profile_;
};

std::shared_ptr<CredentialsProvider> environment_credentials() {
  sigv4::Credentials credentials{environment_variable("AWS_ACCESS_KEY_ID"),
                                 environment_variable("AWS_SECRET_ACCESS_KEY"),
                                 environment_variable("AWS_SESSION_TOKEN")};
  if (credentials.access_key.empty() && credentials.secret_key.empty()) {
    return nullptr;
  }
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("{} is set, but not {}: the store needs both.",
                            credentials.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            credentials.access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"));
  }
  std::optional<TimePoint> expires;
  if (const std::string expiry = environment_variable("AWS_CREDENTIAL_EXPIRATION"); !expiry.empty()) {
    try {
      expires = parse_expiry(expiry);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("AWS_CREDENTIAL_EXPIRATION is invalid: {}", error.what()));
    }
  }
  return static_credentials({std::move(credentials), expires});
}

std::shared_ptr<CredentialsProvider> web_identity_from_environment(const std::string& region,
                                                                   const Clock& now) {
  const std::string token_file = environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (token_file.empty()) {
    return nullptr;
  }
  const std::string role = environment_variable("AWS_ROLE_ARN");
  if (role.empty()) {
    throw Error(ErrorCode::usage,
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not: it must name the role.");
  }
  const std::string name = environment_variable("AWS_ROLE_SESSION_NAME");
  const std::string endpoint = environment_variable("AWS_ENDPOINT_URL_STS");
  return web_identity_credentials(
      {token_file, role, name.empty() ? "tessera" : name,
       endpoint.empty() ? fmt::format("https://sts.{}.amazonaws.com", region) : endpoint},
      now);
}

std::shared_ptr<CredentialsProvider> profile_credentials() {
  std::filesystem::path file = environment_variable("AWS_SHARED_CREDENTIALS_FILE");
  const std::string profile = environment_variable("AWS_PROFILE");
  const std::string home = environment_variable("HOME");
  if (file.empty() && !home.empty()) {
    file = std::filesystem::path(home) / ".aws" / "credentials";
  }
  auto credentials =
      std::make_shared<ProfileCredentialsProvider>(file, profile.empty() ? "default" : profile);
  std::error_code ignored;
  if (!profile.empty()) {
    static_cast<void>(credentials->get());  // throws if the profile is missing
  } else if (!std::filesystem::exists(file, ignored) || !credentials->read()) {
    return nullptr;
  }
  return credentials;
}

std::shared_ptr<CredentialsProvider> container_from_environment(const Clock& now) {
  const std::string relative = environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) {
    return nullptr;
  }
  return container_credentials({relative.empty() ? full : ecs_endpoint + relative,
                                environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                                environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")},
                               now);
}

}  // namespace

std::shared_ptr<CredentialsProvider> static_credentials(ExpiringCredentials credentials) {
  return std::make_shared<StaticCredentialsProvider>(std::move(credentials));
}

std::shared_ptr<CredentialsProvider> default_credentials_chain(const std::string& region, const Clock& now) {
  if (auto credentials = environment_credentials()) {
    return credentials;
  }
  if (auto credentials = web_identity_from_environment(region, now)) {
    return credentials;
  }
  if (auto credentials = profile_credentials()) {
    return credentials;
  }
  if (auto credentials = container_from_environment(now)) {
    return credentials;
  }
  if (environment_variable("AWS_EC2_METADATA_DISABLED") == "true") {
    throw Error(ErrorCode::usage,
                "There are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
  }
  const std::string endpoint = environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  return instance_metadata_credentials(endpoint.empty() ? imds_endpoint : endpoint, now);
}

}  // namespace tessera::s3
