// SPDX-License-Identifier: Apache-2.0
#include "adapters/bucket/bucket_store.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "adapters/bucket/listing.hpp"
#include "base/error.hpp"
#include "net/backoff.hpp"
#include "net/crypto.hpp"

namespace tessera {
namespace {

constexpr int max_page_size = 1000;
constexpr std::size_t read_chunk_bytes = std::size_t{64} << 10;
/// A download is given up after this many breaks without `progress_bytes` of progress.
constexpr int max_breaks = 5;
constexpr std::int64_t progress_bytes = std::int64_t{1} << 20;
constexpr std::chrono::milliseconds first_backoff{100};
constexpr std::chrono::milliseconds max_backoff{10'000};

/// Counts the bytes of a download and notes whether the sink failed.
class CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& out) : out_(out) {}
  void write(std::span<const std::byte> bytes) override {
    failed = true;
    out_.write(bytes);
    failed = false;
    count += static_cast<std::int64_t>(bytes.size());
  }
  std::int64_t count = 0;
  bool failed = false;

 private:
  ByteSink& out_;
};

TimePoint time_of(const std::string& date) {
  const std::time_t time = curl_getdate(date.c_str(), nullptr);
  return TimePoint(std::chrono::seconds(std::max<std::time_t>(0, time)));
}

std::int64_t number_of(const std::string& text) { return std::atoll(text.c_str()); }

ObjectInfo info_of(const std::string& name, const HttpResponse& response) {
  ObjectInfo info{name, number_of(header_of(response, "content-length")), header_of(response, "content-type"),
                  time_of(header_of(response, "last-modified")), header_of(response, "etag")};
  const std::string range = header_of(response, "content-range");
  if (const std::size_t slash = range.rfind('/'); slash != std::string::npos) {
    info.size_bytes = number_of(range.substr(slash + 1));
  }
  return info;
}

}  // namespace

void read_up_to(ByteSource& body, std::string& buffer, std::size_t size) {
  // The buffer grows with the data, so that a small body does not pay for zeroing a large one.
  buffer.reserve(size);
  std::size_t filled = buffer.size();
  while (filled < size) {
    buffer.resize(std::min(size, filled + read_chunk_bytes));
    const std::size_t count = body.read(std::as_writable_bytes(std::span(buffer).subspan(filled)));
    filled += count;
    if (count == 0) {
      break;
    }
  }
  buffer.resize(filled);
}

std::string content_type_or_default(const std::string& content_type) {
  return content_type.empty() ? "application/octet-stream" : content_type;
}

BucketStore::BucketStore(BucketLocation location, Clock now)
    : location_(std::move(location)), now_(std::move(now)) {
  const std::size_t scheme = location_.endpoint.find("://") + 3;
  host_ = (location_.path_style ? "" : location_.bucket + ".") + location_.endpoint.substr(scheme);
  base_ = location_.endpoint.substr(0, scheme) + host_;
}

std::string BucketStore::bucket_path() const { return location_.path_style ? "/" + location_.bucket : "/"; }

std::string BucketStore::key(const std::string& name) const {
  return (location_.path_style ? "/" + location_.bucket + "/" : "/") +
         percent_encode(location_.prefix + name, "/");
}

std::string BucketStore::url(const std::string& path, const sigv4::Fields& query) const {
  const std::string encoded = sigv4::canonical_query(query);
  return base_ + path + (encoded.empty() ? "" : "?" + encoded);
}

HttpRequest BucketStore::to_http(const BucketRequest& what, sigv4::Fields headers) const {
  HttpRequest http;
  http.method = what.method;
  http.url = url(what.path, what.query);
  http.headers = std::move(headers);
  http.body = what.body;
  http.response_sink = what.sink;
  http.on_head = what.on_head;
  return http;
}

ObjectInfo BucketStore::get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) {
  check_object_name(name);
  CountingSink sink(out);
  std::optional<HttpResponse> first;
  Backoff backoff(first_backoff, max_backoff);
  for (int breaks = 0;;) {
    const std::int64_t before = sink.count;
    BucketRequest request{"GET", key(name), {}, {}, {}, &sink, {}};
    const std::int64_t from = (range ? range->first : 0) + before;
    if (range || before > 0) {
      request.headers.emplace_back("Range", range && range->last
                                                ? fmt::format("bytes={}-{}", from, *range->last)
                                                : fmt::format("bytes={}-", from));
    }
    if (before > 0) {
      const sigv4::Fields condition = if_unchanged_header(*first);
      request.headers.insert(request.headers.end(), condition.begin(), condition.end());
    }
    request.on_head = [&](const HttpResponse& response) {
      if (before > 0 && response.status != 206) {
        throw Error(ErrorCode::io, fmt::format("The store '{}' does not resume the download of '{}'.",
                                               location_.bucket, name));
      }
      if (before == 0) {
        first = response;
      }
    };
    std::optional<HttpResponse> response;
    try {
      response = send_request(request);
    } catch (const Error& error) {
      // Before the first byte, HttpClient has done all retries.
      if (error.code() != ErrorCode::unavailable || sink.failed || sink.count == before) {
        throw;
      }
      breaks = sink.count - before >= progress_bytes ? 1 : breaks + 1;
      if (breaks > max_breaks) {
        throw;
      }
    }
    if (response) {
      if (response->status == 416) {
        throw Error(ErrorCode::usage, fmt::format("'{}' has no bytes at or after offset {}.", name, from));
      }
      if (response->status == 412) {
        throw Error(ErrorCode::unavailable,
                    fmt::format("'{}' was replaced while it was being read: read it again.", name));
      }
      expect_success(*response, name);
      return info_of(name, first ? *first : *response);
    }
    pause(backoff.next(), {});
  }
}

std::optional<ObjectInfo> BucketStore::stat(const std::string& name) {
  check_object_name(name);
  const HttpResponse response = send_request({"HEAD", key(name), {}, {}, {}, nullptr, {}});
  if (response.status == 404) {
    return std::nullopt;
  }
  if (response.status == 400) {
    check();  // an error response to HEAD has no body; this one has the reason
  }
  expect_success(response, name);
  return info_of(name, response);
}

ObjectPage BucketStore::list(const std::string& prefix, const std::string& after, int limit) {
  const sigv4::Fields query{{"list-type", "2"},
                            {"prefix", location_.prefix + prefix},
                            {"max-keys", std::to_string(std::min(limit, max_page_size))}};
  sigv4::Fields position;
  if (!after.empty()) {
    position.emplace_back("start-after", location_.prefix + after);
  }
  for (;;) {
    BucketRequest request{"GET", bucket_path(), query, {}, {}, nullptr, {}};
    request.query.insert(request.query.end(), position.begin(), position.end());
    const HttpResponse response = send_request(request);
    expect_success(response, location_.bucket);
    Listing listing = parse_listing(response.body, location_.prefix);
    if (listing.truncated && listing.objects.empty() && !listing.continuation.empty()) {
      // A page may be empty although more follow: a server may stop after a certain amount of work.
      position = {{"continuation-token", listing.continuation}};
      continue;
    }
    ObjectPage page{std::move(listing.objects), {}};
    if (listing.truncated && !page.objects.empty()) {
      page.next = page.objects.back().name;
    }
    return page;
  }
}

Link BucketStore::sign_get(const std::string& name, const LinkOptions& options) {
  sigv4::Fields query;
  if (!options.content_type.empty()) {
    query.emplace_back("response-content-type", options.content_type);
  }
  if (!options.file_name.empty()) {
    query.emplace_back("response-content-disposition", attachment(options.file_name));
  }
  return sign("GET", name, std::move(query), {}, options);
}

Link BucketStore::sign_put(const std::string& name, const LinkOptions& options) {
  sigv4::Fields headers;
  if (!options.content_type.empty()) {
    headers.emplace_back("content-type", options.content_type);
  }
  return sign("PUT", name, {}, std::move(headers), options);
}

void BucketStore::check() {
  expect_success(
      send_request({"GET", bucket_path(), {{"list-type", "2"}, {"max-keys", "1"}}, {}, {}, nullptr, {}}),
      location_.bucket);
}

Link BucketStore::sign(const std::string& method, const std::string& name, sigv4::Fields query,
                       sigv4::Fields headers, const LinkOptions& options) {
  check_object_name(name);
  const TimePoint time = now_();
  const std::chrono::seconds lifetime = std::min({options.lifetime, max_link_lifetime, signature_lifetime()});
  if (lifetime <= std::chrono::seconds(0)) {
    throw Error(ErrorCode::forbidden,
                fmt::format("The credentials of the store '{}' have expired, so a link to '{}' would not "
                            "work: restart with new ones.",
                            location_.bucket, name));
  }
  headers.emplace_back("host", signed_host());
  const std::string path = key(name);
  return {
      base_ + path + "?" +
          presign({method, path, std::move(query), std::move(headers), "UNSIGNED-PAYLOAD"}, time, lifetime),
      time + lifetime};
}

void BucketStore::expect_success(const HttpResponse& response, const std::string& name) const {
  if (response.status >= 200 && response.status < 300) {
    return;
  }
  const std::string message = error_message(response.body);
  const bool forbidden =
      response.status == 401 || response.status == 403 || is_credentials_error(response.body);
  const bool missing = response.status == 404 && !is_missing_bucket(response.body);
  throw Error(forbidden                ? ErrorCode::forbidden
              : missing                ? ErrorCode::not_found
              : response.status == 400 ? ErrorCode::usage
                                       : ErrorCode::unavailable,
              fmt::format("The store '{}' answers status {} for '{}'{}", location_.bucket, response.status,
                          name, message.empty() ? "." : ": " + message));
}

}  // namespace tessera
