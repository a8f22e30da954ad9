#include "adapters/s3/object_store.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <cstdlib>
#include <pugixml.hpp>

#include "core/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

constexpr int most_listed = 1000;

std::string header(const HttpResponse& response, const char* name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

/// Fills `out` as far as the source goes.
std::string read_part(ByteSource& body, std::int64_t part_bytes) {
  std::string part(static_cast<std::size_t>(part_bytes), '\0');
  std::size_t size = 0;
  while (size < part.size()) {
    const std::size_t count = body.read(std::as_writable_bytes(std::span(part).subspan(size)));
    if (count == 0) {
      break;
    }
    size += count;
  }
  part.resize(size);
  return part;
}

std::string text_of(const pugi::xml_node& node, const char* name) { return node.child(name).text().get(); }

TimePoint time_of(const std::string& date) {
  const std::time_t time = curl_getdate(date.c_str(), nullptr);
  return TimePoint(std::chrono::seconds(std::max<std::time_t>(0, time)));
}

class S3ObjectStore final : public ObjectStore {
 public:
  explicit S3ObjectStore(S3Options options) : options_(std::move(options)) {
    const std::size_t scheme = options_.endpoint.find("://");
    const std::string host = options_.endpoint.substr(scheme + 3);
    host_ = options_.path_style ? host : options_.bucket + "." + host;
    base_ = options_.endpoint.substr(0, scheme + 3) + host_;
  }

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    check_object_name(name);
    const std::string type = content_type.empty() ? "application/octet-stream" : content_type;
    std::string first = read_part(body, options_.part_bytes);
    std::int64_t size = static_cast<std::int64_t>(first.size());
    if (size < options_.part_bytes) {
      check_whole_body(name, body, size);
      expect_success(ask({"PUT", key(name), {}, {{"Content-Type", type}}, first}), name);
    } else {
      size = put_in_parts(name, std::move(first), body, type);
    }
    return {name, size, type, options_.now()};
  }

  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    check_object_name(name);
    Ask request{"GET", key(name), {}, {}, {}};
    request.sink = &out;
    if (range) {
      request.headers.emplace_back("Range", range->last
                                                ? fmt::format("bytes={}-{}", range->first, *range->last)
                                                : fmt::format("bytes={}-", range->first));
    }
    const HttpResponse response = ask(request);
    if (response.status == 416) {
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' has no bytes from {} on.", name, range ? range->first : 0));
    }
    expect_success(response, name);
    ObjectInfo info = info_of(name, response);
    const std::string content_range = header(response, "content-range");
    if (const std::size_t slash = content_range.rfind('/'); slash != std::string::npos) {
      info.size_bytes = std::atoll(content_range.c_str() + slash + 1);
    }
    return info;
  }

  std::optional<ObjectInfo> stat(const std::string& name) override {
    check_object_name(name);
    const HttpResponse response = ask({"HEAD", key(name), {}, {}, {}});
    if (response.status == 404) {
      return std::nullopt;
    }
    expect_success(response, name);
    return info_of(name, response);
  }

  void remove(const std::string& name) override {
    check_object_name(name);
    const HttpResponse response = ask({"DELETE", key(name), {}, {}, {}});
    if (response.status != 404) {
      expect_success(response, name);
    }
  }

  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override {
    sigv4::Fields query{{"list-type", "2"},
                        {"prefix", options_.prefix + prefix},
                        {"max-keys", std::to_string(std::min(limit, most_listed))}};
    if (!after.empty()) {
      query.emplace_back("start-after", options_.prefix + after);
    }
    const HttpResponse response = ask({"GET", bucket_path(), std::move(query), {}, {}});
    expect_success(response, options_.bucket);
    pugi::xml_document document;
    if (!document.load_string(response.body.c_str())) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("The bucket '{}' answers a listing with no XML.", options_.bucket));
    }
    const pugi::xml_node result = document.child("ListBucketResult");
    ObjectPage page;
    for (const pugi::xml_node& entry : result.children("Contents")) {
      const std::string name = text_of(entry, "Key").substr(options_.prefix.size());
      std::string modified = text_of(entry, "LastModified");
      if (modified.ends_with('Z') && modified.find('.') == std::string::npos) {
        modified.insert(modified.size() - 1, ".000");
      }
      page.objects.push_back({name, entry.child("Size").text().as_llong(), {}, time_from_iso(modified)});
    }
    if (text_of(result, "IsTruncated") == "true" && !page.objects.empty()) {
      page.next = page.objects.back().name;
    }
    return page;
  }

  Link sign_get(const std::string& name, const LinkOptions& options) override {
    sigv4::Fields query;
    if (!options.content_type.empty()) {
      query.emplace_back("response-content-type", options.content_type);
    }
    if (!options.file_name.empty()) {
      query.emplace_back("response-content-disposition", attachment(options.file_name));
    }
    return sign("GET", name, std::move(query), {}, options);
  }

  Link sign_put(const std::string& name, const LinkOptions& options) override {
    sigv4::Fields headers;
    if (!options.content_type.empty()) {
      headers.emplace_back("content-type", options.content_type);
    }
    return sign("PUT", name, {}, std::move(headers), options);
  }

  void check() override {
    const HttpResponse response =
        ask({"GET", bucket_path(), {{"list-type", "2"}, {"max-keys", "1"}}, {}, {}});
    expect_success(response, options_.bucket);
  }

 private:
  struct Ask {
    std::string method;
    std::string path;  ///< encoded
    sigv4::Fields query;
    sigv4::Fields headers;
    std::string body;
    ByteSink* sink = nullptr;
  };

  [[nodiscard]] std::string bucket_path() const { return options_.path_style ? "/" + options_.bucket : "/"; }
  [[nodiscard]] std::string key(const std::string& name) const {
    return (options_.path_style ? "/" + options_.bucket + "/" : "/") +
           percent_encode(options_.prefix + name, "/");
  }

  HttpResponse ask(const Ask& what) {
    // Signed afresh for each attempt: signatures are good for some minutes only.
    return http_.send([&] {
      sigv4::Request request{what.method, what.path, what.query, what.headers, to_hex(sha256(what.body))};
      request.headers.emplace_back("host", host_);
      sigv4::sign_headers(request, options_.credentials, {options_.region}, options_.now());
      HttpRequest http;
      http.method = what.method;
      const std::string query = sigv4::canonical_query(what.query);
      http.url = base_ + what.path + (query.empty() ? "" : "?" + query);
      http.headers = std::move(request.headers);
      http.body = what.body;
      http.response_sink = what.sink;
      return http;
    });
  }

  std::int64_t put_in_parts(const std::string& name, std::string part, ByteSource& body,
                            const std::string& type) {
    const HttpResponse begun = ask({"POST", key(name), {{"uploads", ""}}, {{"Content-Type", type}}, {}});
    expect_success(begun, name);
    pugi::xml_document document;
    document.load_string(begun.body.c_str());
    const std::string upload = text_of(document.child("InitiateMultipartUploadResult"), "UploadId");
    try {
      std::string list = "<CompleteMultipartUpload>";
      std::int64_t size = 0;
      for (int number = 1; !part.empty(); ++number) {
        const HttpResponse stored =
            ask({"PUT", key(name), {{"partNumber", std::to_string(number)}, {"uploadId", upload}}, {}, part});
        expect_success(stored, name);
        list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number,
                            header(stored, "etag"));
        size += static_cast<std::int64_t>(part.size());
        part = read_part(body, options_.part_bytes);
      }
      check_whole_body(name, body, size);
      const HttpResponse ended = ask({"POST",
                                      key(name),
                                      {{"uploadId", upload}},
                                      {{"Content-Type", "application/xml"}},
                                      list + "</CompleteMultipartUpload>"});
      expect_success(ended, name);
      // The answer begins before the work is done, so that it may still say that it failed.
      if (ended.body.find("<Error>") != std::string::npos) {
        throw Error(ErrorCode::unavailable, fmt::format("The parts of '{}' could not be put together: {}",
                                                        name, ended.body.substr(0, 300)));
      }
      return size;
    } catch (...) {
      try {
        ask({"DELETE", key(name), {{"uploadId", upload}}, {}, {}});
      } catch (const Error&) {
        // The bucket's lifecycle rule removes what is left; the first error is the one to tell.
      }
      throw;
    }
  }

  Link sign(const std::string& method, const std::string& name, sigv4::Fields query, sigv4::Fields headers,
            const LinkOptions& options) {
    check_object_name(name);
    const TimePoint now = options_.now();
    const std::chrono::seconds lifetime = std::min(options.lifetime, longest_link_lifetime);
    headers.emplace_back("host", host_);
    const std::string path = key(name);
    const std::string signed_query =
        sigv4::presign_query({method, path, std::move(query), std::move(headers), "UNSIGNED-PAYLOAD"},
                             options_.credentials, {options_.region}, now, lifetime);
    return {base_ + path + "?" + signed_query, now + lifetime};
  }

  void expect_success(const HttpResponse& response, const std::string& name) const {
    if (response.status >= 200 && response.status < 300) {
      return;
    }
    pugi::xml_document document;
    document.load_string(response.body.c_str());
    const std::string said = text_of(document.child("Error"), "Message");
    const std::string sentence = fmt::format("The store '{}' answers status {} for '{}'{}", options_.bucket,
                                             response.status, name, said.empty() ? "." : ": " + said);
    throw Error(response.status == 404                             ? ErrorCode::not_found
                : response.status == 401 || response.status == 403 ? ErrorCode::forbidden
                : response.status == 400                           ? ErrorCode::usage
                                                                   : ErrorCode::unavailable,
                sentence);
  }

  static ObjectInfo info_of(const std::string& name, const HttpResponse& response) {
    return {name, std::atoll(header(response, "content-length").c_str()), header(response, "content-type"),
            time_of(header(response, "last-modified"))};
  }
  static TimePoint time_from_iso(const std::string& text) {
    return text.empty() ? TimePoint() : time_from_iso8601(text);
  }

  S3Options options_;
  std::string host_;
  std::string base_;
  HttpClient http_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_s3_object_store(S3Options options) {
  return std::make_unique<S3ObjectStore>(std::move(options));
}

S3Options parse_s3_url(const std::string& url) {
  const auto refuse = [&](const std::string& why) {
    throw Error(
        ErrorCode::usage,
        fmt::format(
            "'{}' names no S3 bucket ({}): write s3://bucket/prefix?endpoint=URL&region=NAME&style=path.",
            url, why));
  };
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme() != "s3" || parsed->host().empty()) {
    refuse("it must begin with s3:// and a bucket");
  }
  S3Options options;
  options.bucket = parsed->host();
  options.prefix = std::string(parsed->path());
  options.prefix.erase(0, 1);
  if (!options.prefix.empty() && !options.prefix.ends_with('/')) {
    options.prefix += '/';
  }
  std::string style;
  for (const auto& parameter : parsed->params()) {
    const std::string name(parameter.key);
    const std::string value(parameter.value);
    if (name == "endpoint") {
      options.endpoint = value;
    } else if (name == "region") {
      options.region = value;
    } else if (name == "style" && (value == "path" || value == "virtual")) {
      style = value;
    } else {
      refuse(fmt::format("'{}={}' is not understood", name, value));
    }
  }
  options.path_style = style.empty() ? !options.endpoint.empty() : style == "path";
  if (options.endpoint.empty()) {
    options.endpoint = fmt::format("https://s3.{}.amazonaws.com", options.region);
  }
  while (options.endpoint.ends_with('/')) {
    options.endpoint.pop_back();
  }
  if (!options.endpoint.starts_with("http://") && !options.endpoint.starts_with("https://")) {
    refuse("the endpoint must begin with http:// or https://");
  }
  const auto variable = [&](const char* name, bool needed) {
    const char* const value = std::getenv(name);
    if (needed && (value == nullptr || *value == '\0')) {
      throw Error(ErrorCode::usage,
                  fmt::format("The store '{}' needs the environment variable {}.", url, name));
    }
    return std::string(value == nullptr ? "" : value);
  };
  options.credentials = {variable("AWS_ACCESS_KEY_ID", true), variable("AWS_SECRET_ACCESS_KEY", true),
                         variable("AWS_SESSION_TOKEN", false)};
  return options;
}

}  // namespace tessera
