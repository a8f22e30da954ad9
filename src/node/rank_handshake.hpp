// SPDX-License-Identifier: Apache-2.0
// Authentication of connections to a node's listener, which may come from this node's ranks or from any other
// process on the network. An unauthenticated connection gets only a few kilobytes, a few seconds and no
// thread.
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

class RankHandshake {
 public:
  struct AcceptedRank {
    Hello hello;
    FileDescriptor socket;  ///< in blocking mode
    std::string received;   ///< data after the hello
  };

  /// Connections must present `secret`; those that do not are counted in `refused` and closed.
  RankHandshake(const Listener& listener, std::string secret, std::atomic<std::int64_t>& refused)
      : listener_(listener), secret_(std::move(secret)), refused_(refused) {}

  /// Adds descriptors for poll().
  void add_to(std::vector<pollfd>& waits) const;
  /// How long poll() may wait.
  [[nodiscard]] std::chrono::milliseconds time_left() const;
  /// Accepts and reads connections, closes those that have timed out, and returns authenticated ranks.
  [[nodiscard]] std::vector<AcceptedRank> serve();
  /// Why the last refused connection was closed; empty if there was none.
  [[nodiscard]] const std::string& last_reason() const { return last_reason_; }

 private:
  struct PendingConnection {
    FileDescriptor socket;
    std::string received;
    std::chrono::steady_clock::time_point deadline;
  };
  void accept_all();
  /// Returns whether the connection stays pending; sets `accepted_rank` if it was authenticated.
  bool read(PendingConnection& connection, std::optional<AcceptedRank>& accepted_rank);
  void refuse(const std::string& reason);

  const Listener& listener_;
  std::string secret_;
  std::vector<PendingConnection> pending_;  ///< oldest first
  std::atomic<std::int64_t>& refused_;
  std::string last_reason_;
};

}  // namespace tessera
