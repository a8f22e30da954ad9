// SPDX-License-Identifier: Apache-2.0
// HTTP client: streamed bodies, timeouts, retries. Used by the cloud stores, webhooks and the command line.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "ports/bytes_io.hpp"

namespace tessera {

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string shown_as = {};  ///< name in error messages; empty: the URL without password and query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                   ///< used if `body_source` is null
  ByteSource* body_source = nullptr;  ///< streamed; such a request is never retried
  ByteSink* response_sink =
      nullptr;  ///< receives the body of a 2xx response; others go to HttpResponse::body
  /// Called with status and headers of a 2xx response, before its body; again when the request is retried.
  std::function<void(const HttpResponse&)> on_head;
  /// For endless streams (Server-Sent Events): called with received bytes; false ends the request.
  std::function<bool(std::string_view)> on_data;
  /// Bytes sent and received so far.
  std::function<void(std::int64_t sent, std::int64_t received)> on_progress;
};

/// The value of a header, empty if it is missing; `name` in lower case.
[[nodiscard]] std::string header_of(const HttpResponse& response, const std::string& name);
/// Whether a retry may succeed: 408, 429, 500, 502, 503, 504.
[[nodiscard]] bool is_transient(int status);
/// Whether a retry is pointless: any other 4xx.
[[nodiscard]] bool is_permanent_failure(int status);
/// The Retry-After header in seconds, at most a minute; zero if it is missing.
[[nodiscard]] std::chrono::milliseconds retry_after(const HttpResponse& response);

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  /// A transfer that makes no progress for this long is aborted. Zero: never.
  std::chrono::milliseconds stall_timeout{60'000};
  std::chrono::milliseconds total_timeout{0};  ///< of one whole attempt; zero: none
  /// Connects only to addresses on the public Internet, checked at connect time: for URLs from untrusted
  /// clients. Throws Error(forbidden) for others.
  bool public_addresses_only = false;
  bool bypass_proxy = false;  ///< ignore the environment's proxy settings
  int max_attempts = 5;       ///< for transient failures and broken connections; honours Retry-After
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds max_backoff{10'000};
  std::string ca_file;                                   ///< empty: the system's
  std::int64_t max_body_bytes = std::int64_t{64} << 20;  ///< limit of HttpResponse::body
};

/// Options for services on the same machine or network, such as the clouds' metadata servers, which may not
/// exist: short timeouts, no proxy.
[[nodiscard]] HttpOptions internal_service_options();

/// Safe to use from many threads; keeps connections open for reuse.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Returns any response, including 4xx and 5xx, once the attempts are used up. Throws Error(unavailable) if
  /// there was none, Error(cancelled) when `stop` is requested, Error(usage) for a control character in the
  /// URL or a header (header injection). `request` is called for each attempt, so that signatures and tokens
  /// are renewed.
  HttpResponse send(const std::function<HttpRequest()>& request, const std::stop_token& stop = {});
  HttpResponse send(const HttpRequest& request, const std::stop_token& stop = {}) {
    return send([&] { return request; }, stop);
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera
