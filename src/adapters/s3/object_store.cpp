// SPDX-License-Identifier: Apache-2.0
#include "adapters/s3/object_store.hpp"

#include <fmt/format.h>

#include <deque>
#include <future>

#include "adapters/bucket/bucket_store.hpp"
#include "adapters/bucket/listing.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"
#include "net/redact.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

/// One part is read and hashed while the other is uploaded.
constexpr std::size_t parts_at_once = 2;

class S3ObjectStore final : public BucketStore {
 public:
  explicit S3ObjectStore(S3Options options)
      : BucketStore(options.location, options.now), options_(std::move(options)) {}

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    check_object_name(name);
    const std::string type = content_type_or_default(content_type);
    std::string first;
    read_up_to(body, first, part_bytes());
    std::int64_t size = static_cast<std::int64_t>(first.size());
    if (first.size() < part_bytes()) {
      check_whole_body(name, body, size);
      expect_success(send_request({"PUT", key(name), {}, {{"Content-Type", type}}, first, nullptr, {}}),
                     name);
    } else {
      size = put_in_parts(name, std::move(first), body, type);
    }
    return {name, size, type, now()()};
  }

  void remove(const std::string& name) override {
    check_object_name(name);
    const HttpResponse response = send_request({"DELETE", key(name), {}, {}, {}, nullptr, {}});
    if (response.status != 404) {
      expect_success(response, name);
    }
  }

 private:
  HttpResponse send_request(const BucketRequest& what) override {
    s3::ExpiringCredentials credentials;
    const auto send = [&] {
      // Signed again for each attempt: signatures are valid for a few minutes only.
      return http_.send([&] {
        credentials = options_.credentials->get();
        sigv4::Request request{what.method, what.path, what.query, what.headers, to_hex(sha256(what.body))};
        request.headers.emplace_back("host", host());
        sigv4::sign_headers(request, credentials.value, {options_.region}, now()());
        return to_http(what, std::move(request.headers));
      });
    };
    HttpResponse response = send();
    if (rejects_credentials(response) && options_.credentials->refused(credentials.value)) {
      response = send();
    }
    return response;
  }

  static bool rejects_credentials(const HttpResponse& response) {
    // The response to a HEAD request has no body with the reason; other causes of status 400 do not occur
    // there.
    return response.status >= 400 && response.status < 500 &&
           (response.body.empty() ? response.status == 400 : is_credentials_error(response.body));
  }

  sigv4::Fields if_unchanged_header(const HttpResponse& response) const override {
    return {{"If-Match", header_of(response, "etag")}};
  }

  std::string presign(const sigv4::Request& request, TimePoint time, std::chrono::seconds lifetime) override {
    return sigv4::presign_query(request, options_.credentials->get().value, {options_.region}, time,
                                lifetime);
  }

  std::chrono::seconds signature_lifetime() const override {
    const auto expires = options_.credentials->get().expires;
    return expires ? std::chrono::floor<std::chrono::seconds>(*expires - now()()) : max_link_lifetime;
  }

  [[nodiscard]] std::size_t part_bytes() const { return static_cast<std::size_t>(options_.part_bytes); }

  std::int64_t put_in_parts(const std::string& name, std::string part, ByteSource& body,
                            const std::string& type) {
    const std::string upload = begin_upload(name, type);
    try {
      std::vector<ObjectPart> parts;
      std::int64_t size = 0;
      std::deque<std::future<ObjectPart>> under_way;
      const auto take_first = [&] {
        parts.push_back(under_way.front().get());
        under_way.pop_front();
      };
      for (int number = 1; !part.empty(); ++number) {
        if (under_way.size() == parts_at_once) {
          take_first();
        }
        size += static_cast<std::int64_t>(part.size());
        under_way.push_back(std::async(std::launch::async, [&, number, sent = std::move(part)]() mutable {
          return send_part(name, upload, number, std::move(sent));
        }));
        part = {};
        read_up_to(body, part, part_bytes());
      }
      while (!under_way.empty()) {
        take_first();
      }
      check_whole_body(name, body, size);
      complete_upload(name, upload, parts);
      return size;
    } catch (...) {
      try {
        abort_upload(name, upload);
      } catch (const Error&) {
        // The bucket's lifecycle rule removes what is left; the first error is more useful.
      }
      throw;
    }
  }

  S3Options options_;
  HttpClient http_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_s3_object_store(S3Options options) {
  return std::make_unique<S3ObjectStore>(std::move(options));
}

S3Options parse_s3_url(const std::string& url, const Clock& now) {
  const BucketUrlParser parser(url, "s3", "S3 bucket",
                               "s3://bucket/prefix?endpoint=URL&region=NAME&style=path");
  BucketUrl parsed = parser.parse();
  S3Options options;
  options.now = now;
  for (const char* const name : {"AWS_DEFAULT_REGION", "AWS_REGION"}) {
    if (std::string region = environment_variable(name); !region.empty()) {
      options.region = std::move(region);
    }
  }
  // Amazon's tools heed these too, the second first.
  for (const char* const name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}) {
    if (std::string endpoint = environment_variable(name); !endpoint.empty()) {
      options.location.endpoint = parser.endpoint(std::move(endpoint));
    }
  }
  options.location.bucket = std::move(parsed.bucket);
  options.location.prefix = std::move(parsed.prefix);
  std::string style;
  for (const auto& [name, value] : parsed.parameters) {
    if (name == "endpoint") {
      options.location.endpoint = parser.endpoint(value);
    } else if (name == "region") {
      options.region = value;
    } else if (name == "style" && (value == "path" || value == "virtual")) {
      style = value;
    } else {
      parser.refuse_parameter(name, value);
    }
  }
  options.location.path_style = style.empty() ? !options.location.endpoint.empty() : style == "path";
  if (options.location.endpoint.empty()) {
    options.location.endpoint = fmt::format("https://s3.{}.amazonaws.com", options.region);
  }
  try {
    options.credentials = s3::default_credentials_chain(options.region, now);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage,
                fmt::format("The store '{}' cannot be used: {}", redact_url(url), error.what()));
  }
  return options;
}

}  // namespace tessera
