// SPDX-License-Identifier: Apache-2.0
// Client of the service: upload, submit, follow, download. Used by the command line and the desktop program.
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
  std::string token;    ///< empty: the token of a service that this user runs on this machine, or none
  std::string ca_file;  ///< CA certificates; empty: the system's
};

/// Options for following events.
struct FollowOptions {
  /// follow() throws Error(unavailable) when the server has been unavailable for this long.
  std::chrono::seconds reconnect_timeout{60};
  /// Called when the event stream is connected (`reason` is empty; all later changes will be reported), and
  /// when it is disconnected. Runs on the thread that called follow().
  std::function<void(bool connected, const std::string& reason)> on_connection;
};

/// Safe to use from many threads. All members throw Error: with the server's problem detail and the code of
/// its type, or unavailable if the server does not respond.
class Client {
 public:
  explicit Client(ClientOptions options);

  [[nodiscard]] Json get(const std::string& path, const std::stop_token& stop = {});
  Json post(const std::string& path, const Json& body, const std::string& idempotency_key = {},
            const std::stop_token& stop = {});
  Json remove(const std::string& path, const std::stop_token& stop = {});

  /// Uploads a file as input for jobs; returns its object name. A large file is sent in parts, over several
  /// connections; if it breaks off, the next call for the same file, of any process, goes on with it.
  /// `progress` may be called by several threads, one at a time.
  [[nodiscard]] std::string upload(const std::filesystem::path& file,
                                   const std::function<void(double fraction)>& progress = {},
                                   const std::stop_token& stop = {});
  /// A link to the result of a job: {"url", "expires", "file_name", "size_bytes"}.
  [[nodiscard]] Json result_link(const std::string& job_id, const std::stop_token& stop = {});
  /// Downloads the result of a job into `folder` under the name that the server suggests, made unique ("name
  /// (2).png"), or to `file` if it is not empty. The file is complete or not there at all. Returns its path.
  std::filesystem::path download(const std::string& job_id, const std::filesystem::path& folder,
                                 const std::filesystem::path& file = {}, const std::stop_token& stop = {});

  /// Reports every change of the jobs of a batch (or, with "job=ID", of a job), beginning with a "snapshot"
  /// of each, until `on_event` returns false or `stop` is requested. An empty query follows all the caller's
  /// jobs, without snapshots. Reconnects without losing events; throws Error(unavailable) when that fails for
  /// too long.
  void follow(const std::string& query,
              const std::function<bool(const std::string& event, const Json& job)>& on_event,
              const std::stop_token& stop = {}, const FollowOptions& options = {});

 private:
  std::string upload_large(const std::filesystem::path& file, std::int64_t size,
                           const std::function<void(double fraction)>& progress, const std::stop_token& stop);
  /// To the link that the server has answered.
  std::string upload_whole(const Json& place, ByteSource& body,
                           const std::function<void(double fraction)>& progress, const std::stop_token& stop);
  [[nodiscard]] std::string token() const;
  /// The request for a redirected event stream. The token is sent only to the server's own origin.
  [[nodiscard]] HttpRequest redirected_events(const std::string& location, const std::stop_token& stop);
  [[nodiscard]] HttpRequest request(const std::string& method, const std::string& path) const;
  [[nodiscard]] Json answer(const HttpRequest& request, const std::stop_token& stop = {});
  ClientOptions options_;
  HttpClient http_;
  HttpClient stream_;
};

/// Throws the Error that a response other than 2xx describes.
[[noreturn]] void throw_problem(const HttpResponse& response, const std::string& url);

}  // namespace tessera
