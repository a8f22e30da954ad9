// HTTP as a client speaks it: streamed bodies, time limits, retries. Used by the cloud stores, webhooks and
// the command line.
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
  std::string shown_as = {};  ///< in errors; empty: the URL without passwords and query
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                   ///< sent if `body_source` is null
  ByteSource* body_source = nullptr;  ///< streamed; a request with one is sent once, never repeated
  ByteSink* response_sink = nullptr;  ///< takes the body of a 2xx answer; others go to HttpResponse::body
  /// Called with status and headers when the head of a 2xx answer has come, before its body; again when the
  /// request is sent again.
  std::function<void(const HttpResponse&)> on_head;
  /// For streams without end (Server-Sent Events): called with what arrived; false ends the request in order.
  std::function<bool(std::string_view)> on_data;
  /// Bytes sent and received so far.
  std::function<void(std::int64_t sent, std::int64_t received)> on_progress;
};

/// The value of a header, empty if it did not come; `name` in lower case.
[[nodiscard]] std::string header_of(const HttpResponse& response, const std::string& name);
/// Whether the same request may be answered otherwise later: 408, 429 and 5xx of the passing kind.
[[nodiscard]] bool may_pass(int status);
/// Whether the server understood and will not: 4xx of the lasting kind.
[[nodiscard]] bool refuses(int status);
/// How long the server asks to be left alone (Retry-After in seconds), at most a minute; zero if it does not.
[[nodiscard]] std::chrono::milliseconds retry_after(const HttpResponse& response);

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  /// A transfer slower than a byte in this time is broken off. Zero: never.
  std::chrono::milliseconds stall_timeout{60'000};
  std::chrono::milliseconds total_timeout{0};  ///< of one attempt as a whole; zero: none
  /// Connects to addresses of the public Internet only, whatever a name stands for at that moment: for URLs
  /// that strangers give. Throws Error(forbidden) for others.
  bool public_addresses_only = false;
  bool past_proxies = false;  ///< that the environment names
  int max_attempts = 5;       ///< for 408, 429, 5xx and broken connections; Retry-After is honoured
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds max_backoff{10'000};
  std::string ca_file;                                   ///< empty: the system's
  std::int64_t max_body_bytes = std::int64_t{64} << 20;  ///< of an answer held in HttpResponse::body
};

/// For who is on the same machine, or not there at all, as the metadata servers of clouds.
[[nodiscard]] HttpOptions near_by();

/// Safe to use from many threads; keeps connections open for reuse.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any answer, 4xx and 5xx included, once the attempts are used up. Throws Error(unavailable) with the
  /// reason if none came, Error(cancelled) when asked to stop, Error(usage) for a control character in the
  /// URL or a header: it could end the header and begin another. `request` is called for each attempt, so
  /// that signatures and tokens are made afresh.
  HttpResponse send(const std::function<HttpRequest()>& request, const std::stop_token& stop = {});
  HttpResponse send(const HttpRequest& request, const std::stop_token& stop = {}) {
    return send([&] { return request; }, stop);
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera
