// Who connects to a node's listener: ranks that this node has started, or anybody else on that network. Until
// a connection has shown the secret it gets a few kilobytes, a few seconds and no thread.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/rank_process.hpp"
#include "ranks/messages.hpp"

namespace tessera {

class RankEntrance {
 public:
  struct Arrival {
    Hello hello;
    FileDescriptor socket;  ///< blocks
    std::string received;   ///< what came behind the hello
  };

  /// Connections of this listener must show `secret`; those that do not are counted before they are closed.
  RankEntrance(const Listener& listener, std::string secret, std::atomic<std::int64_t>& refused)
      : listener_(listener), secret_(std::move(secret)), refused_(refused) {}

  /// Adds what poll() should wait for; the last of it, in this order, is what serve() takes.
  void add_to(std::vector<pollfd>& waits) const;
  /// How long poll() may wait.
  [[nodiscard]] std::chrono::milliseconds time_left() const;
  /// Accepts, reads, and closes what has taken too long; returns ranks that have shown the secret.
  [[nodiscard]] std::vector<Arrival> serve();
  /// Why the last connection was closed that did not show the secret; empty if there was none.
  [[nodiscard]] const std::string& last_reason() const { return last_reason_; }

 private:
  struct Visitor {
    FileDescriptor socket;
    std::string received;
    std::chrono::steady_clock::time_point deadline;
  };
  void accept_all();
  /// Whether the visitor may stay; its rank, if it has shown the secret.
  bool read(Visitor& visitor, std::optional<Arrival>& arrival);
  void refuse(const std::string& reason);

  const Listener& listener_;
  std::string secret_;
  std::vector<Visitor> visitors_;  ///< the oldest first
  std::atomic<std::int64_t>& refused_;
  std::string last_reason_;
};

}  // namespace tessera
