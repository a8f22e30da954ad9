// An HTTP/1.1 server: asynchronous connections on a few I/O threads, handlers that may block on pools of
// workers (router.hpp, Lane), and streams to thousands of idle clients that cost no thread.
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

/// What happened to one request, for logs and metrics.
struct AccessRecord {
  const Request* request = nullptr;
  std::string_view route;  ///< its pattern; empty: none fitted
  int status = 0;
  std::int64_t sent_bytes = 0;
  std::chrono::microseconds duration{};
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;                            ///< 0: any free one
  std::filesystem::path certificate_file;  ///< PEM, with the chain; empty: no TLS
  std::filesystem::path key_file;
  int io_threads = 2;
  int light_threads = 8;   ///< of Lane::light
  int heavy_threads = 16;  ///< of Lane::heavy
  int file_threads = 4;    ///< that read and write files for the I/O threads
  /// Downloads of produced content, each with a thread as long as it lasts; more are told to try again.
  int producer_threads = 32;
  int max_producers_per_owner = 8;
  int max_waiting = 1024;  ///< requests that wait for a thread of a lane; more are told to try again
  /// Fewer if this process may not have so many files open: half of its descriptors are kept for what else it
  /// works with.
  int max_connections = 10'000;
  int max_connections_per_address = 0;  ///< of an IPv4 address or an IPv6 /64 network; 0: half of all
  std::uint32_t max_header_bytes = 16 * 1024;
  std::int64_t memory_body_bytes = std::int64_t{1} << 20;  ///< longer bodies go to a file
  /// Of all requests together; while there are more, bodies beyond 64 KiB go to files.
  std::int64_t memory_of_bodies_bytes = std::int64_t{256} << 20;
  std::filesystem::path temporary_folder = std::filesystem::temp_directory_path();
  std::chrono::milliseconds header_timeout{10'000};  ///< from a request's first byte to its header's end
  std::chrono::milliseconds idle_timeout{75'000};    ///< between requests
  /// A body or answer must move within this time, and bodies at `min_bytes_per_second` on the whole.
  std::chrono::milliseconds stall_timeout{30'000};
  std::int64_t min_bytes_per_second = 4096;
  /// From the end of a request's body on; handlers ask with Request::check_attention().
  std::chrono::milliseconds work_timeout{120'000};
  /// Asked about each request when its header has come: an answer in place of the route's, or nothing. Runs
  /// on an I/O thread, so it must not wait for anything.
  std::function<std::optional<Response>(const Request&)> screen;
  /// May add to the header of any answer; also on an I/O thread.
  std::function<void(const Request&, Response&)> finish;
  std::shared_ptr<spdlog::logger> log;  ///< null: no log
  std::function<void(const AccessRecord&)> on_request;
};

class Server {
 public:
  /// Listens at once. Throws Error(usage) for what cannot be listened on or for unreadable certificates.
  Server(ServerOptions options, Router router);
  ~Server();  ///< stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const;
  /// Accepts no more, ends streams and idle connections, waits for running requests at most `grace`, then
  /// breaks them off.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// Whether nobody but this machine can reach `address`.
[[nodiscard]] bool is_loopback(const std::string& address);

}  // namespace tessera::http
