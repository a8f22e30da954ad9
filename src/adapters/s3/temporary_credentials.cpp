// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "adapters/s3/credentials.hpp"
#include "adapters/s3/credentials_responses.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::s3 {
namespace {

// Instances rotate credentials at the latest five minutes before the old ones expire, so the margin must be
// shorter.
constexpr std::chrono::seconds margin{240};
constexpr const char* session_lifetime_s = "21600";

class TemporaryCredentialsProvider : public CredentialsProvider {
 public:
  ExpiringCredentials get() override { return cache_.get(); }
  bool refused(const sigv4::Credentials& credentials) override {
    cache_.invalidate(credentials);
    return true;
  }

 protected:
  TemporaryCredentialsProvider(RefreshingCache<sigv4::Credentials>::Fetch fetch, Clock now)
      : cache_(std::move(fetch), std::move(now), margin) {}

 private:
  RefreshingCache<sigv4::Credentials> cache_;
};

/// Reads a file of one line.
std::string line_of(const std::filesystem::path& file) {
  try {
    const std::string text = read_small_file(file);
    return text.substr(0, text.find_last_not_of(" \r\n") + 1);
  } catch (const Error& error) {
    throw Error(ErrorCode::forbidden,
                fmt::format("There is no token for requesting S3 credentials: {}", error.what()));
  }
}

class WebIdentityCredentialsProvider final : public TemporaryCredentialsProvider {
 public:
  WebIdentityCredentialsProvider(WebIdentity identity, Clock now)
      : TemporaryCredentialsProvider([this](TimePoint) { return fetch(); }, std::move(now)),
        identity_(std::move(identity)) {}

 private:
  ExpiringCredentials fetch() {
    HttpRequest request;
    request.method = "POST";
    request.url = identity_.endpoint + "/";
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body =
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + percent_encode(identity_.role) +
        "&RoleSessionName=" + percent_encode(identity_.session_name) +
        "&WebIdentityToken=" + percent_encode(line_of(identity_.token_file));
    return parse_web_identity_credentials(
        http_.send(request),
        fmt::format("'{}', called for the role '{}',", identity_.endpoint, identity_.role));
  }

  WebIdentity identity_;
  HttpClient http_;
};

class ContainerCredentialsProvider final : public TemporaryCredentialsProvider {
 public:
  ContainerCredentialsProvider(ContainerRole role, Clock now)
      : TemporaryCredentialsProvider([this](TimePoint) { return fetch(); }, std::move(now)),
        role_(std::move(role)) {}

 private:
  ExpiringCredentials fetch() {
    HttpRequest request;
    request.url = role_.url;
    const std::string authorization = role_.authorization.empty() && !role_.authorization_file.empty()
                                          ? line_of(role_.authorization_file)
                                          : role_.authorization;
    if (!authorization.empty()) {
      request.headers.emplace_back("Authorization", authorization);
    }
    return parse_role_credentials(http_.send(request),
                                  fmt::format("'{}', called for the container's role,", role_.url));
  }

  ContainerRole role_;
  HttpClient http_{internal_service_options()};
};

class InstanceMetadataCredentialsProvider final : public TemporaryCredentialsProvider {
 public:
  InstanceMetadataCredentialsProvider(std::string endpoint, Clock now)
      : TemporaryCredentialsProvider([this](TimePoint) { return fetch(); }, std::move(now)),
        endpoint_(std::move(endpoint)) {}

 private:
  ExpiringCredentials fetch() {
    const std::string session = begin_session();
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    const HttpResponse names = send("GET", roles, {"X-aws-ec2-metadata-token", session});
    const std::string role = names.body.substr(0, names.body.find_first_of("\r\n"));
    if (names.status != 200 || role.empty()) {
      throw Error(
          ErrorCode::forbidden,
          fmt::format("The instance has no role (its metadata service '{}' answers status {}): attach an "
                      "instance profile.",
                      endpoint_, names.status));
    }
    return parse_role_credentials(
        send("GET", roles + percent_encode(role), {"X-aws-ec2-metadata-token", session}),
        fmt::format("The metadata service '{}', called for the role '{}',", endpoint_, role.substr(0, 100)));
  }

  std::string begin_session() {
    HttpResponse response;
    try {
      response =
          send("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", session_lifetime_s});
    } catch (const Error& error) {
      throw Error(
          error.code(),
          fmt::format("There are no credentials for S3, and the EC2 instance metadata service cannot be "
                      "reached: {} Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; in a container "
                      "on an instance, the metadata hop limit must be 2.",
                      error.what()));
    }
    if (response.status != 200 || response.body.empty() ||
        response.body.find_first_of("\r\n") != std::string::npos) {
      throw Error(is_permanent_failure(response.status) ? ErrorCode::forbidden : ErrorCode::unavailable,
                  fmt::format("The metadata service '{}' gives no session token (status {}).", endpoint_,
                              response.status));
    }
    return response.body;
  }

  HttpResponse send(const std::string& method, const std::string& path,
                    const std::pair<std::string, std::string>& header) {
    HttpRequest request;
    request.method = method;
    request.url = endpoint_ + path;
    request.headers.push_back(header);
    return http_.send(request);
  }

  std::string endpoint_;
  HttpClient http_{internal_service_options()};
};

}  // namespace

std::shared_ptr<CredentialsProvider> web_identity_credentials(WebIdentity identity, Clock now) {
  return std::make_shared<WebIdentityCredentialsProvider>(std::move(identity), std::move(now));
}

std::shared_ptr<CredentialsProvider> container_credentials(ContainerRole role, Clock now) {
  return std::make_shared<ContainerCredentialsProvider>(std::move(role), std::move(now));
}

std::shared_ptr<CredentialsProvider> instance_metadata_credentials(std::string endpoint, Clock now) {
  return std::make_shared<InstanceMetadataCredentialsProvider>(std::move(endpoint), std::move(now));
}

}  // namespace tessera::s3
