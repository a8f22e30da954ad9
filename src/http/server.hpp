// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server: asynchronous connections on a few I/O threads, blocking handlers on worker pools
// (router.hpp, Lane), and streams to thousands of idle clients that need no thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/router.hpp"

namespace spdlog {
class logger;
}

namespace tessera::http {

/// A completed request, for logs and metrics.
struct AccessRecord {
  const Request* request = nullptr;
  std::string_view route;  ///< the route's pattern; empty: none matched
  int status = 0;
  std::int64_t sent_bytes = 0;
  std::chrono::microseconds duration{};
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;                            ///< 0: any free one
  std::filesystem::path certificate_file;  ///< PEM with chain; empty: no TLS
  std::filesystem::path key_file;
  int io_threads = 2;
  int light_threads = 8;     ///< workers of Lane::light
  int heavy_threads = 16;    ///< workers of Lane::heavy
  int waiting_threads = 32;  ///< workers of Lane::waiting
  int viewing_threads = 48;  ///< workers of Lane::viewing
  int file_threads = 4;      ///< for file I/O on behalf of the I/O threads
  /// Concurrent downloads of produced content, each of which occupies a thread; more are rejected with 503.
  int producer_threads = 32;
  int max_producers_per_owner = 8;
  int max_waiting = 1024;  ///< requests waiting for a worker of a lane; more are rejected with 503
  /// Reduced if the limit of open files is low: half of the descriptors are reserved for other uses.
  int max_connections = 10'000;
  int max_connections_per_address = 0;  ///< per IPv4 address or IPv6 /64 network; 0: half of all
  std::uint32_t max_header_bytes = 16 * 1024;
  std::int64_t memory_body_bytes = std::int64_t{1} << 20;  ///< longer bodies are stored in a file
  /// Limit for all requests together; beyond it, bodies over 64 KiB are stored in files.
  std::int64_t memory_of_bodies_bytes = std::int64_t{256} << 20;
  std::filesystem::path temporary_folder = std::filesystem::temp_directory_path();
  std::chrono::milliseconds header_timeout{10'000};  ///< from a request's first byte to the end of its header
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests
  /// Timeout without progress of a body or response; bodies must also average `min_bytes_per_second`.
  std::chrono::milliseconds stall_timeout{30'000};
  std::int64_t min_bytes_per_second = 4096;
  /// From the end of a request's body; checked by Request::check_cancelled().
  std::chrono::milliseconds work_timeout{120'000};
  /// Called for each request when its header was read: a response in place of the route's, or nothing. Runs
  /// on an I/O thread, so it must not block.
  std::function<std::optional<Response>(const Request&)> screen;
  /// May add headers to any response; also runs on an I/O thread.
  std::function<void(const Request&, Response&)> finish;
  std::shared_ptr<spdlog::logger> log;  ///< null: no log
  std::function<void(const AccessRecord&)> on_request;
};

class Server {
 public:
  /// Starts listening. Throws Error(usage) for an unusable address or unreadable certificates.
  Server(ServerOptions options, Router router);
  ~Server();  ///< stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const;
  /// Stops accepting, ends streams and idle connections, waits up to `grace` for running requests, then
  /// aborts them.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// Whether `address` is reachable from this machine only.
[[nodiscard]] bool is_loopback(const std::string& address);

}  // namespace tessera::http
