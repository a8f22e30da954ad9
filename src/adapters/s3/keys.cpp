#include "adapters/s3/keys.hpp"

#include <fmt/format.h>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/s3/key_answers.hpp"
#include "base/error.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::s3 {
namespace {

constexpr const char* containers_endpoint = "http://169.254.170.2";
constexpr const char* machines_endpoint = "http://169.254.169.254";

class FixedKeys final : public KeySource {
 public:
  explicit FixedKeys(Keys keys) : keys_(std::move(keys)) {}
  Keys get() override { return keys_; }
  bool refused(const sigv4::Credentials&) override { return false; }

 private:
  Keys keys_;
};

/// Of a profile in a file as `aws configure` writes it. The file is read each time, as others may renew what
/// it says.
class FileKeys final : public KeySource {
 public:
  FileKeys(std::filesystem::path file, std::string profile)
      : file_(std::move(file)), profile_(std::move(profile)) {}

  /// Nothing if the file has no such profile.
  [[nodiscard]] std::optional<sigv4::Credentials> read() const {
    try {
      return parse_profile(read_small_file(file_), profile_);
    } catch (const Error& error) {
      throw Error(ErrorCode::forbidden,
                  fmt::format("'{}' gives no keys for S3: {}", file_.string(), error.what()));
    }
  }
  Keys get() override {
    auto keys = read();
    if (!keys) {
      throw Error(ErrorCode::forbidden, fmt::format("'{}' has no profile '{}'.", file_.string(), profile_));
    }
    return {*std::move(keys), std::nullopt};
  }
  bool refused(const sigv4::Credentials& keys) override { return get().value != keys; }

 private:
  std::filesystem::path file_;
  std::string profile_;
};

std::shared_ptr<KeySource> keys_of_variables() {
  sigv4::Credentials keys{environment_variable("AWS_ACCESS_KEY_ID"),
                          environment_variable("AWS_SECRET_ACCESS_KEY"),
                          environment_variable("AWS_SESSION_TOKEN")};
  if (keys.access_key.empty() && keys.secret_key.empty()) {
    return nullptr;
  }
  if (keys.access_key.empty() || keys.secret_key.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("{} is set, but not {}: the store needs both.",
                            keys.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                            keys.access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"));
  }
  std::optional<TimePoint> expires;
  if (const std::string expiry = environment_variable("AWS_CREDENTIAL_EXPIRATION"); !expiry.empty()) {
    try {
      expires = parse_expiry(expiry);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("AWS_CREDENTIAL_EXPIRATION is no time: {}", error.what()));
    }
  }
  return fixed_keys({std::move(keys), expires});
}

std::shared_ptr<KeySource> keys_of_web_identity(const std::string& region, const Clock& now) {
  const std::string token_file = environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (token_file.empty()) {
    return nullptr;
  }
  const std::string role = environment_variable("AWS_ROLE_ARN");
  if (role.empty()) {
    throw Error(ErrorCode::usage,
                "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN does not say for which role.");
  }
  const std::string name = environment_variable("AWS_ROLE_SESSION_NAME");
  const std::string endpoint = environment_variable("AWS_ENDPOINT_URL_STS");
  return web_identity_keys(
      {token_file, role, name.empty() ? "tessera" : name,
       endpoint.empty() ? fmt::format("https://sts.{}.amazonaws.com", region) : endpoint},
      now);
}

std::shared_ptr<KeySource> keys_of_profile() {
  std::filesystem::path file = environment_variable("AWS_SHARED_CREDENTIALS_FILE");
  const std::string profile = environment_variable("AWS_PROFILE");
  const std::string home = environment_variable("HOME");
  if (file.empty() && !home.empty()) {
    file = std::filesystem::path(home) / ".aws" / "credentials";
  }
  auto keys = std::make_shared<FileKeys>(file, profile.empty() ? "default" : profile);
  std::error_code ignored;
  if (!profile.empty()) {
    static_cast<void>(keys->get());  // throws if it has none
  } else if (!std::filesystem::exists(file, ignored) || !keys->read()) {
    return nullptr;
  }
  return keys;
}

std::shared_ptr<KeySource> keys_of_container(const Clock& now) {
  const std::string relative = environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) {
    return nullptr;
  }
  return container_keys({relative.empty() ? full : containers_endpoint + relative,
                         environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                         environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")},
                        now);
}

}  // namespace

std::shared_ptr<KeySource> fixed_keys(Keys keys) { return std::make_shared<FixedKeys>(std::move(keys)); }

std::shared_ptr<KeySource> keys_of_environment(const std::string& region, const Clock& now) {
  if (auto keys = keys_of_variables()) {
    return keys;
  }
  if (auto keys = keys_of_web_identity(region, now)) {
    return keys;
  }
  if (auto keys = keys_of_profile()) {
    return keys;
  }
  if (auto keys = keys_of_container(now)) {
    return keys;
  }
  if (environment_variable("AWS_EC2_METADATA_DISABLED") == "true") {
    throw Error(ErrorCode::usage,
                "No keys for S3 were given: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
  }
  const std::string endpoint = environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  return machine_keys(endpoint.empty() ? machines_endpoint : endpoint, now);
}

}  // namespace tessera::s3
