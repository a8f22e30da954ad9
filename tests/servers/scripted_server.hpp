// SPDX-License-Identifier: Apache-2.0
// An HTTP server that sends exactly what a test tells it to.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tessera::testing {

/// Takes connections one after the other and plays the next script on each: what it sends, byte by byte,
/// after it has read a request's header. A script that ends in "HANG" keeps silent until the client leaves.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> scripts);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }
  [[nodiscard]] int requests() const { return requests_; }
  /// Of the last request.
  [[nodiscard]] std::string header() const {
    const std::lock_guard lock(mutex_);
    return header_;
  }

 private:
  void serve();
  void play(int connection, std::string script);

  std::vector<std::string> scripts_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> requests_{0};
  mutable std::mutex mutex_;
  std::string header_;
  std::jthread thread_;
};

/// A whole response that ends its connection; `headers` are lines with their ends.
[[nodiscard]] std::string answer(const std::string& status, const std::string& body = "",
                                 const std::string& headers = "");

}  // namespace tessera::testing
