// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/sources.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "http/message.hpp"
#include "net/crypto.hpp"
#include "net/redact.hpp"

namespace tessera::service {
namespace {

constexpr std::size_t max_url_bytes = 2048;
constexpr std::int64_t max_memory_bytes = std::int64_t{1} << 20;

bool is_web_url(const std::string& url) {
  return (url.starts_with("https://") || url.starts_with("http://")) && url.size() <= max_url_bytes &&
         std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 127; });
}

/// Whether the path may lead out of the folder that it begins in.
bool climbs(const std::string& url) {
  const std::string lowered = ascii_lowered(url);
  return lowered.find("/..") != std::string::npos || lowered.find("%2e") != std::string::npos ||
         lowered.find('\\') != std::string::npos || lowered.find("%5c") != std::string::npos;
}

std::string file_name_of(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::string name = percent_decode(path.substr(path.rfind('/') + 1)).value_or("");
  const bool fine = !name.empty() && name.size() <= 255 && is_utf8(name) && !has_control_characters(name) &&
                    name.find_first_of("/\\") == std::string::npos;
  return fine ? name : "image";
}

HttpOptions client_options(const SourceOptions& options) {
  constexpr std::chrono::milliseconds stall_timeout{20'000};
  HttpOptions http;
  http.public_addresses_only = !options.allow_private_addresses;
  http.total_timeout = options.time_limit;
  http.stall_timeout = stall_timeout;
  http.max_attempts = 1;  // the client repeats its request
  return http;
}

class BodySink final : public ByteSink {
 public:
  BodySink(http::Body& body, const SourceOptions& options, const std::function<void()>& check)
      : body_(body), options_(options), check_(check) {}
  void write(std::span<const std::byte> bytes) override {
    check_();
    if (body_.size() + std::ssize(bytes) > options_.max_bytes) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("The image at the 'source' has more than {} bytes, the limit.", options_.max_bytes));
    }
    body_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, max_memory_bytes,
                 options_.folder);
  }

 private:
  http::Body& body_;
  const SourceOptions& options_;
  const std::function<void()>& check_;
};

}  // namespace

SourceFetcher::SourceFetcher(SourceOptions options)
    : options_(std::move(options)), client_(client_options(options_)) {
  for (const std::string& beginning : options_.allowed) {
    const std::size_t host = beginning.find("://");
    if (!is_web_url(beginning) || !beginning.ends_with('/') || beginning.size() < host + 5 ||
        climbs(beginning) || beginning.find('@') != std::string::npos) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' is no beginning of URLs: write scheme, host and a path that ends with '/', such "
                      "as https://images.example.org/public/.",
                      printable(beginning)));
    }
  }
}

void SourceFetcher::check_allowed(const std::string& url, const std::string& where) const {
  if (!is_web_url(url) || climbs(url)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("{}: the 'url' of 'source' is '{}'; it must begin with https:// or http://, have at most "
                    "{} bytes, no spaces and no '..'.",
                    where, printable(url.substr(0, 100)), max_url_bytes));
  }
  const bool allowed = std::ranges::any_of(
      options_.allowed, [&](const std::string& beginning) { return url.starts_with(beginning); });
  if (!allowed) {
    throw Error(
        ErrorCode::forbidden,
        fmt::format("{}: this service does not fetch images from '{}': upload the image, or ask the operator "
                    "to allow the address with --allow-source.",
                    where, printable(origin_of_url(url))));
  }
}

NamedSource SourceFetcher::take_one(Json& item, const std::string& where,
                                    const std::function<std::string()>& new_object) const {
  const Json source = item["source"];
  if (!source.is_object() || source.size() != 1 || !source.contains("url") || !source["url"].is_string() ||
      item.contains("object")) {
    throw Error(
        ErrorCode::usage,
        fmt::format("{}: 'source' must be {{\"url\": URL}}, and stands in place of 'object'.", where));
  }
  NamedSource named{source["url"], new_object()};
  check_allowed(named.url, where);
  item.erase("source");
  item["object"] = named.object;
  if (!item.contains("name")) {
    item["name"] = file_name_of(named.url);
  }
  return named;
}

std::vector<NamedSource> SourceFetcher::take_from(Json& submission,
                                                  const std::function<std::string()>& new_object) const {
  std::vector<NamedSource> sources;
  if (!submission.is_object()) {
    return sources;
  }
  if (submission.contains("source")) {
    sources.push_back(take_one(submission, "The request", new_object));
  }
  const auto items = submission.find("items");
  for (std::size_t i = 0; items != submission.end() && items->is_array() && i < items->size(); ++i) {
    Json& item = (*items)[i];
    if (item.is_object() && item.contains("source")) {
      if (sources.size() == options_.max_per_request) {
        throw Error(
            ErrorCode::limit_exceeded,
            fmt::format("The request names more than {} images by 'source': send it in smaller parts.",
                        options_.max_per_request));
      }
      sources.push_back(take_one(item, fmt::format("items[{}]", i), new_object));
    }
  }
  return sources;
}

void SourceFetcher::fetch(const std::vector<NamedSource>& sources, UploadGuard& uploads,
                          const std::function<void()>& check) {
  for (const NamedSource& source : sources) {
    http::Body body;
    BodySink sink(body, options_, check);
    HttpRequest request;
    request.url = source.url;
    request.response_sink = &sink;
    const HttpResponse response = client_.send(request);
    if (response.status != 200) {
      throw Error(
          ErrorCode::not_found,
          fmt::format("The 'source' {} answered with status {}{}.", redact_url(source.url), response.status,
                      response.status / 100 == 3 ? "; redirections are not followed" : ""));
    }
    const auto content = body.open();
    uploads.put(source.object, *content, "application/octet-stream");
  }
}

}  // namespace tessera::service
