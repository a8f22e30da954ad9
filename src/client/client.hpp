// The service as its clients use it: upload, submit, follow, download. Used by the command line and the
// desktop program.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/json.hpp"
#include "net/http_client.hpp"

namespace tessera {

struct ClientOptions {
  std::string server = "http://127.0.0.1:8080";
  std::string token;    ///< empty: that of a service which this user runs on this machine, or none
  std::string ca_file;  ///< of the server's certificate; empty: the system's
};

/// How a client follows events.
struct FollowOptions {
  /// Given up with Error(unavailable) when the server has been away for so long.
  std::chrono::seconds longest_absence{60};
  /// Told when the stream of events is open (`reason` is empty; what happens from here on will be told), and
  /// when it has broken. Called on the thread that follows.
  std::function<void(bool connected, const std::string& reason)> on_connection;
};

/// Safe to use from many threads. Everything throws Error: what the server's problem says, with the code of
/// its type, or unavailable when it does not answer.
class Client {
 public:
  explicit Client(ClientOptions options);

  [[nodiscard]] Json get(const std::string& path, const std::stop_token& stop = {});
  Json post(const std::string& path, const Json& body, const std::string& idempotency_key = {},
            const std::stop_token& stop = {});
  Json remove(const std::string& path, const std::stop_token& stop = {});

  /// Stores a file for jobs to work on; returns its object's name.
  [[nodiscard]] std::string upload(const std::filesystem::path& file,
                                   const std::function<void(double fraction)>& progress = {},
                                   const std::stop_token& stop = {});
  /// Where the result of a job lies: {"url", "expires", "file_name", "size_bytes"}.
  [[nodiscard]] Json result_link(const std::string& job_id, const std::stop_token& stop = {});
  /// Writes the result of a job into `folder` under the name the server suggests, or one that is free
  /// ("name (2).png"), or, if `file` is not empty, to that file. It is there whole or not at all. Returns its
  /// path.
  std::filesystem::path download(const std::string& job_id, const std::filesystem::path& folder,
                                 const std::filesystem::path& file = {}, const std::stop_token& stop = {});

  /// Tells of every change of a batch's (or, with "job=ID", of a job's) jobs, beginning with a "snapshot" of
  /// each, until `take` returns false or `stop` is asked. An empty query: of all the caller's jobs, without
  /// snapshots. Comes back by itself, and without a gap, when the connection breaks; throws
  /// Error(unavailable) when that fails for too long.
  void follow(const std::string& query,
              const std::function<bool(const std::string& event, const Json& job)>& take,
              const std::stop_token& stop = {}, const FollowOptions& options = {});

 private:
  [[nodiscard]] std::string token() const;
  /// For events at another place. The token goes to the server's own origin only.
  [[nodiscard]] HttpRequest redirected_events(const std::string& location, const std::stop_token& stop);
  [[nodiscard]] HttpRequest request(const std::string& method, const std::string& path) const;
  [[nodiscard]] Json answer(const HttpRequest& request, const std::stop_token& stop = {});
  ClientOptions options_;
  HttpClient http_;
  HttpClient stream_;
};

}  // namespace tessera
