// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "net/addresses.hpp"
#include "net/backoff.hpp"
#include "net/redact.hpp"

namespace tessera {
namespace {

std::string shown(const HttpRequest& request) {
  return request.shown_as.empty() ? redact_url(request.url) : request.shown_as;
}

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

/// Prevents request splitting.
void check_no_controls(const HttpRequest& request) {
  const auto refuse = [&](const std::string& what) {
    throw Error(
        ErrorCode::usage,
        fmt::format("The request to '{}' cannot be sent: {} has a control character.", shown(request), what));
  };
  if (has_controls(request.url)) {
    refuse("its URL");
  }
  if (has_controls(request.method)) {
    refuse("its method");
  }
  for (const auto& [name, value] : request.headers) {
    if (has_controls(name) || has_controls(value)) {
      refuse("its header '" + printable(name) + "'");
    }
  }
}

constexpr std::array transient_statuses{408, 429, 500, 502, 503, 504};
constexpr std::chrono::seconds max_retry_after{60};
/// A server that accepts requests and never answers would otherwise be waited for once per attempt.
constexpr std::chrono::seconds last_attempt_after{60};
constexpr std::int64_t min_expect_continue_bytes = std::int64_t{1} << 20;

struct EasyHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, EasyHandle>;
struct ListHandle {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListHandle>;

bool is_success(int status) { return status >= 200 && status < 300; }

/// One attempt, as seen by libcurl's callbacks. Exceptions thrown in callbacks are kept here until libcurl
/// has returned.
struct Attempt {
  const HttpRequest& request;
  const HttpOptions& options;
  const std::stop_token& stop;
  HttpResponse response = {};
  std::exception_ptr failure = nullptr;
  bool ended_in_order = false;  ///< on_data ended the request
  bool gave_bytes = false;      ///< to sink or on_data

  /// Runs `work`; stores an exception and returns false if it throws.
  template <class Work>
  bool guarded(const Work& work) {
    try {
      return work();
    } catch (...) {
      failure = std::current_exception();
      return false;
    }
  }
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& attempt = *static_cast<Attempt*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    attempt.response.headers.clear();  // of an earlier response, such as 100
    const std::size_t space = line.find(' ');
    attempt.response.status =
        space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space)).c_str());
    return size;
  }
  if (line == "\r\n" && is_success(attempt.response.status) && attempt.request.on_head) {
    attempt.guarded([&] {
      attempt.request.on_head(attempt.response);
      return true;
    });
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string_view value = line.substr(colon + 1);
    const std::size_t first = value.find_first_not_of(" \t");
    const std::size_t last = value.find_last_not_of(" \t\r\n");
    value = first == std::string_view::npos ? std::string_view() : value.substr(first, last - first + 1);
    attempt.guarded([&] {
      attempt.response.headers[ascii_lowered(std::string(line.substr(0, colon)))] = value;
      return true;
    });
  }
  return attempt.failure ? 0 : size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& attempt = *static_cast<Attempt*>(user);
  const bool taken = attempt.guarded([&] {
    const HttpRequest& request = attempt.request;
    if (is_success(attempt.response.status) && request.on_data) {
      attempt.gave_bytes = true;
      attempt.ended_in_order = !request.on_data({data, size});
      return !attempt.ended_in_order;
    }
    if (is_success(attempt.response.status) && request.response_sink != nullptr) {
      attempt.gave_bytes = true;
      request.response_sink->write(std::as_bytes(std::span(data, size)));
      return true;
    }
    std::string& body = attempt.response.body;
    if (static_cast<std::int64_t>(body.size() + size) > attempt.options.max_body_bytes) {
      throw Error(ErrorCode::limit_exceeded, fmt::format("The response of '{}' is longer than {} bytes.",
                                                         shown(request), attempt.options.max_body_bytes));
    }
    body.append(data, size);
    return true;
  });
  return taken ? size : CURL_WRITEFUNC_ERROR;
}

std::size_t read_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& attempt = *static_cast<Attempt*>(user);
  std::size_t given = 0;
  const bool fine = attempt.guarded([&] {
    given = attempt.request.body_source->read(std::as_writable_bytes(std::span(data, size * count)));
    return true;
  });
  return fine ? given : CURL_READFUNC_ABORT;
}

/// Opens the socket for libcurl, unless the address is not public (server-side request forgery).
curl_socket_t open_public_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& attempt = *static_cast<Attempt*>(user);
  const bool allowed = attempt.guarded([&] {
    if (!is_public_address(address->addr)) {
      throw Error(ErrorCode::forbidden, fmt::format("'{}' leads to {}, which is not on the public Internet.",
                                                    shown(attempt.request), address_text(address->addr)));
    }
    return true;
  });
  return allowed ? ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol)
                 : CURL_SOCKET_BAD;
}

int report_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& attempt = *static_cast<Attempt*>(user);
  if (attempt.stop.stop_requested()) {
    return 1;
  }
  const bool fine = attempt.guarded([&] {
    if (attempt.request.on_progress) {
      attempt.request.on_progress(sent, received);
    }
    return true;
  });
  return fine ? 0 : 1;
}

struct GlobalInit {
  GlobalInit() { curl_global_init(CURL_GLOBAL_DEFAULT); }
};

}  // namespace

std::string header_of(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

bool is_transient(int status) {
  return std::ranges::find(transient_statuses, status) != transient_statuses.end();
}

bool is_permanent_failure(int status) { return status >= 400 && status < 500 && !is_transient(status); }

std::chrono::milliseconds retry_after(const HttpResponse& response) {
  const std::chrono::seconds delay(std::atoi(header_of(response, "retry-after").c_str()));
  return std::clamp(delay, std::chrono::seconds(0), max_retry_after);
}

struct HttpClient::State {
  HttpOptions options;
  std::mutex mutex;
  std::vector<Easy> idle;

  Easy borrow() {
    // Once per process, before its first handle, as libcurl requires.
    static const GlobalInit initialised;
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        Easy handle = std::move(idle.back());
        idle.pop_back();
        return handle;
      }
    }
    Easy handle(curl_easy_init());
    if (!handle) {
      throw Error(ErrorCode::internal, "libcurl cannot create a handle.");
    }
    return handle;
  }
  /// Keeps the handle and its open connections for reuse.
  void return_handle(Easy handle) {
    curl_easy_reset(handle.get());
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(handle));
  }

  HeaderList prepare(CURL* easy, Attempt& attempt, std::array<char, CURL_ERROR_SIZE>& reason) const;
};

HeaderList HttpClient::State::prepare(CURL* easy, Attempt& attempt,
                                      std::array<char, CURL_ERROR_SIZE>& reason) const {
  const HttpRequest& request = attempt.request;
  const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    // libcurl's syntax for a header without a value uses a semicolon.
    list = curl_slist_append(list, (value.empty() ? name + ";" : fmt::format("{}: {}", name, value)).c_str());
  }
  // With "Expect: 100-continue" a server can reject a long body before it is sent; for a short one the round
  // trip takes longer than sending it.
  if (request.body_source == nullptr ||
      request.body_source->size().value_or(min_expect_continue_bytes) < min_expect_continue_bytes) {
    list = curl_slist_append(list, "Expect:");
  }
  set(CURLOPT_ERRORBUFFER, reason.data());
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTPHEADER, list);
  set(CURLOPT_USERAGENT, "tessera");
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  if (options.stall_timeout.count() > 0) {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME,
        static_cast<long>(std::max<std::int64_t>(1, options.stall_timeout.count() / 1000)));
  }
  if (options.total_timeout.count() > 0) {
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
  }
  if (options.public_addresses_only) {
    set(CURLOPT_OPENSOCKETFUNCTION, &open_public_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&attempt));
  }
  if (options.public_addresses_only || options.bypass_proxy) {
    set(CURLOPT_PROXY, "");  // a proxy could reach private addresses
  }
  if (!options.ca_file.empty()) {
    set(CURLOPT_CAINFO, options.ca_file.c_str());
  }
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.body_source != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &read_body);
    set(CURLOPT_READDATA, static_cast<void*>(&attempt));
    if (const auto size = request.body_source->size()) {
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*size));
    }
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method != "HEAD") {
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&attempt));
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&attempt));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &report_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&attempt));
  return HeaderList(list);
}

HttpOptions internal_service_options() {
  HttpOptions options;
  options.connect_timeout = std::chrono::seconds(2);
  options.max_attempts = 3;
  options.bypass_proxy = true;
  return options;
}

HttpClient::HttpClient(HttpOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const std::function<HttpRequest()>& make_request, const std::stop_token& stop) {
  const HttpOptions& options = state_->options;
  Backoff backoff(options.first_backoff, options.max_backoff);
  const auto last_begin = std::chrono::steady_clock::now() + last_attempt_after;
  for (int count = 1;; ++count) {
    const HttpRequest request = make_request();
    check_no_controls(request);
    Attempt attempt{request, options, stop};
    std::array<char, CURL_ERROR_SIZE> reason{};
    Easy easy = state_->borrow();
    const HeaderList headers = state_->prepare(easy.get(), attempt, reason);
    const CURLcode result = curl_easy_perform(easy.get());
    state_->return_handle(std::move(easy));
    if (attempt.failure) {
      std::rethrow_exception(attempt.failure);
    }
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, fmt::format("The request to '{}' was stopped.", shown(request)));
    }
    const bool answered = result == CURLE_OK || attempt.ended_in_order;
    const bool again = count < options.max_attempts && std::chrono::steady_clock::now() < last_begin &&
                       request.body_source == nullptr && !attempt.gave_bytes &&
                       (!answered || is_transient(attempt.response.status));
    if (answered && !again) {
      return std::move(attempt.response);
    }
    if (!again) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("'{}' cannot be reached: {}.", shown(request),
                              reason[0] != '\0' ? reason.data() : curl_easy_strerror(result)));
    }
    const std::chrono::milliseconds time = std::max(backoff.next(), retry_after(attempt.response));
    pause(time, stop);
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, fmt::format("The request to '{}' was stopped.", shown(request)));
    }
  }
}

}  // namespace tessera
