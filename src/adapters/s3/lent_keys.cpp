#include <fmt/format.h>

#include "adapters/s3/key_answers.hpp"
#include "adapters/s3/keys.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::s3 {
namespace {

// Instances give new keys at the latest five minutes before the old ones expire, so the margin must be
// shorter.
constexpr std::chrono::seconds margin{240};
constexpr const char* session_lifetime_s = "21600";

class LentKeys : public KeySource {
 public:
  Keys get() override { return keys_.get(); }
  bool refused(const sigv4::Credentials& keys) override {
    keys_.drop(keys);
    return true;
  }

 protected:
  LentKeys(Renewed<sigv4::Credentials>::Fetch fetch, Clock now)
      : keys_(std::move(fetch), std::move(now), margin) {}

 private:
  Renewed<sigv4::Credentials> keys_;
};

/// Of a file that holds one line.
std::string line_of(const std::filesystem::path& file) {
  try {
    const std::string text = read_small_file(file);
    return text.substr(0, text.find_last_not_of(" \r\n") + 1);
  } catch (const Error& error) {
    throw Error(ErrorCode::forbidden,
                fmt::format("There is no token to get keys for S3 with: {}", error.what()));
  }
}

class WebIdentityKeys final : public LentKeys {
 public:
  WebIdentityKeys(WebIdentity identity, Clock now)
      : LentKeys([this](TimePoint) { return fetch(); }, std::move(now)), identity_(std::move(identity)) {}

 private:
  Keys fetch() {
    HttpRequest request;
    request.method = "POST";
    request.url = identity_.endpoint + "/";
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body =
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + percent_encode(identity_.role) +
        "&RoleSessionName=" + percent_encode(identity_.session_name) +
        "&WebIdentityToken=" + percent_encode(line_of(identity_.token_file));
    return parse_web_identity_keys(http_.send(request), fmt::format("'{}', asked for the role '{}',",
                                                                    identity_.endpoint, identity_.role));
  }

  WebIdentity identity_;
  HttpClient http_;
};

class ContainerKeys final : public LentKeys {
 public:
  ContainerKeys(ContainerRole role, Clock now)
      : LentKeys([this](TimePoint) { return fetch(); }, std::move(now)), role_(std::move(role)) {}

 private:
  Keys fetch() {
    HttpRequest request;
    request.url = role_.url;
    const std::string authorization = role_.authorization.empty() && !role_.authorization_file.empty()
                                          ? line_of(role_.authorization_file)
                                          : role_.authorization;
    if (!authorization.empty()) {
      request.headers.emplace_back("Authorization", authorization);
    }
    return parse_role_keys(http_.send(request),
                           fmt::format("'{}', asked for the container's role,", role_.url));
  }

  ContainerRole role_;
  HttpClient http_{near_by()};
};

class MachineKeys final : public LentKeys {
 public:
  MachineKeys(std::string endpoint, Clock now)
      : LentKeys([this](TimePoint) { return fetch(); }, std::move(now)), endpoint_(std::move(endpoint)) {}

 private:
  Keys fetch() {
    const std::string session = begin_session();
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    const HttpResponse names = ask("GET", roles, {"X-aws-ec2-metadata-token", session});
    const std::string role = names.body.substr(0, names.body.find_first_of("\r\n"));
    if (names.status != 200 || role.empty()) {
      throw Error(
          ErrorCode::forbidden,
          fmt::format("The machine has no role (its metadata service '{}' answers status {}): give it an "
                      "instance profile.",
                      endpoint_, names.status));
    }
    return parse_role_keys(
        ask("GET", roles + percent_encode(role), {"X-aws-ec2-metadata-token", session}),
        fmt::format("The metadata service '{}', asked for the role '{}',", endpoint_, role.substr(0, 100)));
  }

  std::string begin_session() {
    HttpResponse response;
    try {
      response =
          ask("PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds", session_lifetime_s});
    } catch (const Error& error) {
      throw Error(
          error.code(),
          fmt::format("No keys for S3 were given, and there is no metadata service of an EC2 instance to "
                      "ask for them: {} Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; in a container "
                      "on an instance, its metadata's hop limit must be 2.",
                      error.what()));
    }
    if (response.status != 200 || response.body.empty() ||
        response.body.find_first_of("\r\n") != std::string::npos) {
      throw Error(
          refuses(response.status) ? ErrorCode::forbidden : ErrorCode::unavailable,
          fmt::format("The metadata service '{}' gives no session (status {}).", endpoint_, response.status));
    }
    return response.body;
  }

  HttpResponse ask(const std::string& method, const std::string& path,
                   const std::pair<std::string, std::string>& header) {
    HttpRequest request;
    request.method = method;
    request.url = endpoint_ + path;
    request.headers.push_back(header);
    return http_.send(request);
  }

  std::string endpoint_;
  HttpClient http_{near_by()};
};

}  // namespace

std::shared_ptr<KeySource> web_identity_keys(WebIdentity identity, Clock now) {
  return std::make_shared<WebIdentityKeys>(std::move(identity), std::move(now));
}

std::shared_ptr<KeySource> container_keys(ContainerRole role, Clock now) {
  return std::make_shared<ContainerKeys>(std::move(role), std::move(now));
}

std::shared_ptr<KeySource> machine_keys(std::string endpoint, Clock now) {
  return std::make_shared<MachineKeys>(std::move(endpoint), std::move(now));
}

}  // namespace tessera::s3
