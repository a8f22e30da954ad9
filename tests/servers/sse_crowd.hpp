// SPDX-License-Identifier: Apache-2.0
// Many clients of Server-Sent Events in one thread, each with its own connection. Like browsers they
// reconnect with the id of the last event that they received.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tessera::testing {

class SseCrowd {
 public:
  struct Heard {
    std::string id;
    std::string type;
    std::chrono::steady_clock::time_point when;
  };

  /// One client for each target ("/v1/events?job=..."), all at 127.0.0.1:`port`. They connect at once.
  SseCrowd(int port, const std::vector<std::string>& targets);
  ~SseCrowd();
  SseCrowd(const SseCrowd&) = delete;
  SseCrowd& operator=(const SseCrowd&) = delete;

  /// Whether every client's `that` becomes true within `timeout`.
  bool all(const std::function<bool(const std::vector<Heard>&)>& that, std::chrono::seconds timeout);
  /// Clients whose stream has begun and not ended.
  [[nodiscard]] int connected() const;
  /// What a client has heard so far, over all of its connections.
  [[nodiscard]] std::vector<Heard> heard(std::size_t client) const;
  /// Number of reconnections.
  [[nodiscard]] int reconnections() const;

 private:
  struct Client {
    std::string target;
    int socket = -1;
    bool streaming = false;  ///< the answer's header has come, and it is 200
    bool knew_before = false;
    std::string raw = {};   ///< not yet taken out of its chunks
    std::string text = {};  ///< of an event that has not ended yet
    std::vector<Heard> heard = {};
  };

  void run(const std::stop_token& stop);
  void connect(std::size_t index);
  void disconnect(Client& client);
  void read(Client& client);
  static void take_chunks(Client& client);
  static void take_events(Client& client);

  int port_;
  int epoll_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Client> clients_;
  int reconnections_ = 0;
  std::jthread thread_;
};

/// Raises the limit of open files to this number for this process and its children, if the hard limit allows
/// it.
[[nodiscard]] bool allow_open_files(std::size_t count);

}  // namespace tessera::testing
