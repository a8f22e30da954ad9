// SPDX-License-Identifier: Apache-2.0
#include "adapters/gcs/credentials.hpp"

#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "adapters/gcs/access_token.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "ports/object_store.hpp"

namespace tessera::gcs {
namespace {

using Json = nlohmann::json;

// The store accepts any region; "auto" is the convention.
const sigv4::Scope hmac_scope{"auto", "storage", sigv4::google_hmac};
const sigv4::Scope rsa_scope{"auto", "storage", sigv4::google_rsa};
constexpr std::chrono::hours google_managed_key_lifetime{12};

class HmacCredentials final : public Credentials {
 public:
  HmacCredentials(std::string access_id, std::string secret)
      : credentials_{std::move(access_id), std::move(secret), {}} {}
  void authorize(sigv4::Request& request, TimePoint now) override {
    sigv4::sign_headers(request, credentials_, hmac_scope, now);
  }
  bool refused(const sigv4::Fields&) override { return false; }
  std::string presign(const sigv4::Request& request, TimePoint now, std::chrono::seconds lifetime) override {
    return sigv4::presign_query(request, credentials_, hmac_scope, now, lifetime);
  }
  std::chrono::seconds signature_lifetime() const override { return max_link_lifetime; }

 private:
  sigv4::Credentials credentials_;
};

/// Base of credentials that use bearer tokens.
class TokenCredentials : public Credentials {
 public:
  void authorize(sigv4::Request& request, TimePoint) override {
    request.headers.emplace_back("Authorization", "Bearer " + tokens_.get().value);
  }
  bool refused(const sigv4::Fields& headers) override {
    for (const auto& [name, value] : headers) {
      if (name == "Authorization") {
        tokens_.invalidate(value.substr(std::string_view("Bearer ").size()));
      }
    }
    return true;
  }

 protected:
  TokenCredentials(std::function<AccessToken(TimePoint)> fetch, Clock now)
      : tokens_(token_cache(std::move(fetch), std::move(now))) {}
  RefreshingCache<std::string>& tokens() { return tokens_; }

 private:
  RefreshingCache<std::string> tokens_;
};

class ServiceAccountCredentials final : public TokenCredentials {
 public:
  ServiceAccountCredentials(ServiceAccount account, Clock now)
      : TokenCredentials([this](TimePoint time) { return fetch(time); }, std::move(now)),
        account_(std::move(account)) {}

  std::string presign(const sigv4::Request& request, TimePoint now, std::chrono::seconds lifetime) override {
    return sigv4::presign_query(
        request, account_.email,
        [this](const std::string& text) { return to_hex(account_.key.sign_sha256(text)); }, rsa_scope, now,
        lifetime);
  }
  std::chrono::seconds signature_lifetime() const override { return max_link_lifetime; }

 private:
  AccessToken fetch(TimePoint now) {
    HttpRequest request;
    request.method = "POST";
    request.url = account_.token_url;
    request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    request.body = "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                   "&assertion=" + assertion(account_, now);
    return parse_token(http_.send(request),
                       fmt::format("'{}', called for '{}',", account_.token_url, account_.email), now);
  }

  ServiceAccount account_;
  HttpClient http_;
};

class MetadataServerCredentials final : public TokenCredentials {
 public:
  MetadataServerCredentials(std::string metadata_host, std::string iam_endpoint, Clock now)
      : TokenCredentials([this](TimePoint time) { return fetch(time); }, std::move(now)),
        metadata_host_(std::move(metadata_host)),
        iam_endpoint_(std::move(iam_endpoint)) {}

  std::string presign(const sigv4::Request& request, TimePoint now, std::chrono::seconds lifetime) override {
    const std::string signer = email();
    return sigv4::presign_query(
        request, signer, [&](const std::string& text) { return to_hex(sign_blob(signer, text)); }, rsa_scope,
        now, lifetime);
  }
  std::chrono::seconds signature_lifetime() const override { return google_managed_key_lifetime; }

 private:
  HttpResponse get_metadata(const std::string& what) {
    HttpRequest request;
    request.url = fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/{}",
                              metadata_host_, what);
    request.headers.emplace_back("Metadata-Flavor", "Google");
    HttpResponse response;
    try {
      response = metadata_http_.send(request);
    } catch (const Error& error) {
      throw Error(
          error.code(),
          fmt::format("There are no credentials for Google Cloud Storage, and Google's metadata server "
                      "cannot be reached: {} Set GOOGLE_APPLICATION_CREDENTIALS to the key file of a "
                      "service account.",
                      error.what()));
    }
    if (response.status == 200 && header_of(response, "metadata-flavor") != "Google") {
      throw Error(
          ErrorCode::unavailable,
          fmt::format("'{}' is not Google's metadata server: its responses lack the Metadata-Flavor header.",
                      metadata_host_));
    }
    return response;
  }

  AccessToken fetch(TimePoint now) {
    return parse_token(get_metadata("token"), fmt::format("The metadata server '{}'", metadata_host_), now);
  }

  std::string email() {
    const std::lock_guard lock(mutex_);
    if (email_.empty()) {
      const HttpResponse response = get_metadata("email");
      if (response.status != 200 || response.body.find('@') == std::string::npos) {
        throw Error(
            ErrorCode::unavailable,
            fmt::format("The metadata server '{}' returns no service account of this machine (status {}): "
                        "attach one.",
                        metadata_host_, response.status));
      }
      email_ = response.body.substr(0, response.body.find_last_not_of(" \r\n") + 1);
    }
    return email_;
  }

  std::string sign_blob(const std::string& signer, const std::string& text) {
    const std::string url = fmt::format("{}/v1/projects/-/serviceAccounts/{}:signBlob", iam_endpoint_,
                                        percent_encode(signer, "@"));
    const auto call = [&](const std::string& token) {
      HttpRequest request;
      request.method = "POST";
      request.url = url;
      request.headers = {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}};
      request.body = Json{{"payload", to_base64(text)}}.dump();
      return http_.send(request);
    };
    const std::string token = tokens().get().value;
    HttpResponse response = call(token);
    if (response.status == 401) {
      tokens().invalidate(token);
      response = call(tokens().get().value);
    }
    return parse_signed_blob(response, signer);
  }

  std::string metadata_host_;
  std::string iam_endpoint_;
  HttpClient http_;
  HttpClient metadata_http_{internal_service_options()};
  std::mutex mutex_;
  std::string email_;
};

}  // namespace

std::string parse_signed_blob(const HttpResponse& response, const std::string& signer) {
  const Json json = Json::parse(response.body, nullptr, false);
  if (response.status == 200 && json.is_object()) {
    const auto signature = json.find("signedBlob");
    if (signature != json.end() && signature->is_string()) {
      if (auto bytes = from_base64(signature->get_ref<const std::string&>()); bytes && !bytes->empty()) {
        return *std::move(bytes);
      }
    }
  }
  if (response.status == 200) {
    throw Error(ErrorCode::unavailable, "Google's IAM API returns something that is not a signature.");
  }
  std::string message;
  if (json.is_object() && json.contains("error") && json["error"].is_object()) {
    message =
        json["error"].value("message", Json()).is_string() ? json["error"]["message"].get<std::string>() : "";
  }
  const bool refused = response.status == 401 || response.status == 403;
  throw Error(
      refused ? ErrorCode::forbidden : ErrorCode::unavailable,
      fmt::format("Google's IAM API does not sign a link for '{}' (status {}){}{}{}{}", signer,
                  response.status, message.empty() ? "" : ": ", message, message.ends_with('.') ? "" : ".",
                  refused ? " The machine's service account needs the role Service Account Token "
                            "Creator on itself, and the machine the scope cloud-platform."
                          : ""));
}

std::unique_ptr<Credentials> hmac_credentials(std::string access_id, std::string secret) {
  return std::make_unique<HmacCredentials>(std::move(access_id), std::move(secret));
}

std::unique_ptr<Credentials> service_account_credentials(ServiceAccount account, Clock now) {
  return std::make_unique<ServiceAccountCredentials>(std::move(account), std::move(now));
}

std::unique_ptr<Credentials> metadata_server_credentials(std::string metadata_host, std::string iam_endpoint,
                                                         Clock now) {
  return std::make_unique<MetadataServerCredentials>(std::move(metadata_host), std::move(iam_endpoint),
                                                     std::move(now));
}

}  // namespace tessera::gcs
