// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "net/backoff.hpp"
#include "net/http_client.hpp"
#include "net/redact.hpp"
#include "objects/objects.hpp"

namespace tessera {
namespace {

constexpr int partial_content = 206;
constexpr int range_not_satisfiable = 416;
constexpr int max_redirections = 10;
constexpr std::int64_t max_whole_bytes = std::int64_t{1} << 30;
/// A read is given up after this many broken connections without a byte in between.
constexpr int max_breaks = 5;
constexpr std::chrono::milliseconds first_backoff{100};
constexpr std::chrono::milliseconds max_backoff{10'000};

HttpOptions web_options() {
  HttpOptions options;
  options.max_body_bytes = std::int64_t{1} << 20;  // of error pages
  return options;
}

std::string version_of(const HttpResponse& response) {
  const std::string tag = header_of(response, "etag");
  return tag.empty() ? "modified " + header_of(response, "last-modified") : tag;
}

/// The size of the whole file in "bytes 0-99/1000"; nothing if it is not there.
std::optional<std::int64_t> whole_size(const HttpResponse& response) {
  const std::string range = header_of(response, "content-range");
  const std::size_t slash = range.rfind('/');
  std::int64_t size = 0;
  if (slash == std::string::npos ||
      std::from_chars(range.data() + slash + 1, range.data() + range.size(), size).ec != std::errc()) {
    return std::nullopt;
  }
  return size;
}

/// `location`, which may be relative to `base`, as a whole URL; empty if it is none, or leads away from HTTP.
std::string resolve(const std::string& base, const std::string& location) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  char* text = nullptr;
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return {};
  }
  std::string result(text);
  curl_free(text);
  return result.starts_with("http://") || result.starts_with("https://") ? result : std::string();
}

[[noreturn]] void fail(const HttpResponse& response, const std::string& url) {
  const int status = response.status;
  throw Error(status == 404 || status == 410   ? ErrorCode::not_found
              : status == 401 || status == 403 ? ErrorCode::forbidden
                                               : ErrorCode::unavailable,
              fmt::format("The server answers status {} for '{}'.", status, redact_url(url)));
}

HttpRequest range_request(const std::string& url, std::int64_t first, std::int64_t last, ByteSink& out) {
  HttpRequest request;
  request.url = url;
  request.response_sink = &out;
  request.headers = {{"Range", fmt::format("bytes={}-{}", first, last)}};
  return request;
}

/// One request of read_web_range().
void read_once(HttpClient& http, const std::string& url, const std::string& version, std::int64_t first,
               std::int64_t last, ByteSink& out, const std::stop_token& stop) {
  HttpRequest request = range_request(url, first, last, out);
  request.on_head = [&](const HttpResponse& response) {
    if (response.status != partial_content || version_of(response) != version) {
      fail_for_changed_object(redact_url(url));
    }
  };
  const HttpResponse response = http.send(request, stop);
  if (response.status == range_not_satisfiable || response.status == 404) {
    fail_for_changed_object(redact_url(url));
  }
  if (response.status != partial_content) {
    fail(response, url);
  }
}

class WebObject final : public RangedObject {
 public:
  WebObject(std::shared_ptr<HttpClient> http, std::string url, std::string version)
      : http_(std::move(http)), url_(std::move(url)), version_(std::move(version)) {}

  void read(std::int64_t first, std::int64_t count, ByteSink& out) override {
    read_web_range(*http_, url_, version_, first, count, out, {});
  }

 private:
  std::shared_ptr<HttpClient> http_;
  std::string url_;
  std::string version_;
};

}  // namespace

void read_web_range(HttpClient& http, const std::string& url, const std::string& version, std::int64_t first,
                    std::int64_t count, ByteSink& out, const std::stop_token& stop) {
  class Counted final : public ByteSink {
   public:
    explicit Counted(ByteSink& to) : to_(to) {}
    void write(std::span<const std::byte> bytes) override {
      to_.write(bytes);
      count += static_cast<std::int64_t>(bytes.size());
    }
    std::int64_t count = 0;

   private:
    ByteSink& to_;
  } counted(out);
  Backoff backoff(first_backoff, max_backoff);
  for (int breaks = 0; counted.count < count;) {
    const std::int64_t before = counted.count;
    try {
      read_once(http, url, version, first + before, first + count - 1, counted, stop);
    } catch (const Error& error) {
      // Before the first byte, HttpClient has done all retries.
      if (error.code() != ErrorCode::unavailable || counted.count == before || ++breaks > max_breaks) {
        throw;
      }
      pause(backoff.next(), stop);
    }
  }
}

OpenedObject open_web_object(const std::string& url, std::int64_t head_bytes) {
  const auto http = std::make_shared<HttpClient>(web_options());
  std::string at = url;
  for (int redirections = 0; redirections <= max_redirections; ++redirections) {
    OpenedObject opened;
    BytesSink head(opened.head, max_whole_bytes);
    HttpRequest request = range_request(at, 0, head_bytes - 1, head);
    request.on_head = [&](const HttpResponse&) { opened.head.clear(); };
    const HttpResponse response = http->send(request);
    if (response.status >= 300 && response.status < 400) {
      const std::string target = resolve(at, header_of(response, "location"));
      if (target.empty()) {
        fail(response, at);
      }
      at = target;
      continue;
    }
    const bool ranges = response.status == partial_content;
    const bool empty = response.status == range_not_satisfiable && whole_size(response).value_or(0) == 0;
    if (!empty && (response.status < 200 || response.status > 299)) {
      fail(response, at);
    }
    opened.version = version_of(response);
    opened.size = ranges ? whole_size(response).value_or(-1) : static_cast<std::int64_t>(opened.head.size());
    if (opened.size < 0) {
      throw Error(
          ErrorCode::unavailable,
          fmt::format("The server does not say how long '{}' is: download it first.", redact_url(url)));
    }
    opened.object = std::make_unique<WebObject>(http, at, opened.version);
    return opened;
  }
  throw Error(ErrorCode::unavailable, fmt::format("'{}' leads on to other addresses more than {} times.",
                                                  redact_url(url), max_redirections));
}

}  // namespace tessera
