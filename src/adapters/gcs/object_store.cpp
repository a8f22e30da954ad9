// SPDX-License-Identifier: Apache-2.0
#include "adapters/gcs/object_store.hpp"

#include <fmt/format.h>

#include "adapters/bucket/bucket_store.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"

namespace tessera {
namespace {

/// Google signs the host name without the port.
std::string without_port(const std::string& host) {
  return host.substr(0, host.find(':', host.find(']') + 1));
}

class GcsObjectStore final : public BucketStore {
 public:
  explicit GcsObjectStore(GcsOptions options)
      : BucketStore(options.location, options.now), options_(std::move(options)) {}

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    check_object_name(name);
    const std::string type = content_type_or_default(content_type);
    gcs::ResumableUpload upload(
        http_, name, [&] { return open_session(name, type); },
        [&](const HttpResponse& answer) { expect_success(answer, name); }, options_.upload);
    const std::int64_t size = upload.send(body);
    return {name, size, type, now()()};
  }

  void remove(const std::string& name) override {
    check_object_name(name);
    const HttpResponse found = send_request({"HEAD", key(name), {}, {}, {}, nullptr, {}});
    if (found.status == 404) {
      return;
    }
    expect_success(found, name);
    const HttpResponse removed =
        send_request({"DELETE", key(name), {}, if_unchanged_header(found), {}, nullptr, {}});
    // 412: the object was replaced meanwhile, which is equivalent to a removal just before.
    if (removed.status != 404 && removed.status != 412) {
      expect_success(removed, name);
    }
  }

 private:
  HttpResponse send_request(const BucketRequest& what) override {
    sigv4::Fields headers;
    const auto send = [&] {
      return http_.send([&] {
        sigv4::Request request{what.method, what.path, what.query, what.headers, to_hex(sha256(what.body))};
        request.headers.emplace_back("host", without_port(host()));
        options_.credentials->authorize(request, now()());
        headers = std::move(request.headers);
        HttpRequest http = to_http(what, headers);
        // libcurl writes the Host header itself, with the port.
        std::erase_if(http.headers, [](const auto& field) { return field.first == "host"; });
        // Prevents decompressive transcoding, so that sizes and ranges are right.
        http.headers.emplace_back("Accept-Encoding", "gzip");
        return http;
      });
    };
    HttpResponse response = send();
    if (response.status == 401 && options_.credentials->refused(headers)) {
      response = send();
    }
    return response;
  }

  sigv4::Fields if_unchanged_header(const HttpResponse& response) const override {
    return {{"x-goog-if-generation-match", header_of(response, "x-goog-generation")}};
  }

  std::string presign(const sigv4::Request& request, TimePoint time, std::chrono::seconds lifetime) override {
    return options_.credentials->presign(request, time, lifetime);
  }
  std::chrono::seconds signature_lifetime() const override {
    return options_.credentials->signature_lifetime();
  }
  std::string signed_host() const override { return without_port(host()); }

  std::string open_session(const std::string& name, const std::string& type) {
    const HttpResponse begun = send_request(
        {"POST", key(name), {}, {{"Content-Type", type}, {"x-goog-resumable", "start"}}, {}, nullptr, {}});
    expect_success(begun, name);
    std::string session = header_of(begun, "location");
    if (!session.starts_with("https://") && !session.starts_with("http://")) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("The store '{}' started an upload of '{}' without returning its URL.",
                              location().bucket, name));
    }
    return session;
  }

  GcsOptions options_;
  HttpClient http_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_gcs_object_store(GcsOptions options) {
  return std::make_unique<GcsObjectStore>(std::move(options));
}

GcsOptions parse_gcs_url(const std::string& url, const Clock& now) {
  const BucketUrlParser parser(url, "gs", "Google Cloud Storage bucket",
                               "gs://bucket/prefix?credentials=FILE");
  BucketUrl parsed = parser.parse();
  GcsOptions options;
  options.now = now;
  options.location.bucket = std::move(parsed.bucket);
  options.location.prefix = std::move(parsed.prefix);
  options.location.path_style = true;
  std::string key_file;
  std::string iam_endpoint = "https://iamcredentials.googleapis.com";
  for (const auto& [name, value] : parsed.parameters) {
    if (name == "endpoint") {
      options.location.endpoint = parser.endpoint(value);
    } else if (name == "iam-endpoint") {
      iam_endpoint = parser.endpoint(value);
    } else if (name == "credentials" && !value.empty()) {
      key_file = value;
    } else {
      parser.refuse_parameter(name, value);
    }
  }
  std::string universe_domain = "googleapis.com";
  const std::string access_id = environment_variable("GCS_HMAC_ACCESS_ID");
  const std::string secret = environment_variable("GCS_HMAC_SECRET");
  if (access_id.empty() != secret.empty()) {
    parser.refuse("of GCS_HMAC_ACCESS_ID and GCS_HMAC_SECRET only one is set");
  }
  if (key_file.empty() && access_id.empty()) {
    key_file = environment_variable("GOOGLE_APPLICATION_CREDENTIALS");
  }
  if (!key_file.empty()) {
    gcs::ServiceAccount account = gcs::read_service_account(key_file);
    universe_domain = account.universe_domain;
    options.credentials = gcs::service_account_credentials(std::move(account), now);
  } else if (!access_id.empty()) {
    options.credentials = gcs::hmac_credentials(access_id, secret);
  } else {
    const std::string metadata_host = environment_variable("GCE_METADATA_HOST");
    options.credentials = gcs::metadata_server_credentials(
        metadata_host.empty() ? "metadata.google.internal" : metadata_host, iam_endpoint, now);
  }
  if (options.location.endpoint.empty()) {
    options.location.endpoint = "https://storage." + universe_domain;
  }
  return options;
}

}  // namespace tessera
