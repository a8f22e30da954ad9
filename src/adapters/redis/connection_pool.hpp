// SPDX-License-Identifier: Apache-2.0
// A few connections to one server, shared by many threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "adapters/redis/connection.hpp"

namespace tessera::redis {

/// Safe to use from many threads. While the server is unavailable, each call waits for it up to `timeout`.
/// After one has waited in vain, calls fail at once, except for one at a time that probes the server: so an
/// unavailable server does not delay work that does not need it (circuit breaker).
class ConnectionPool {
 public:
  explicit ConnectionPool(Address address, std::size_t max_connections,
                          std::chrono::milliseconds timeout = std::chrono::seconds(5));

  /// Runs `work` once, before the first use of a connection. Call it before any other member.
  void set_initial_work(std::function<void(Connection&)> work) { initial_work_ = std::move(work); }

  /// Runs `work` on an exclusively used connection; if that breaks, again on a new one. `work` must be
  /// idempotent. Throws Error(unavailable), and what `work` throws.
  void run(const std::function<void(Connection&)>& work);

  /// The same for work with a result.
  template <class Work>
  std::invoke_result_t<const Work&, Connection&> ask(const Work& work) {
    std::optional<std::invoke_result_t<const Work&, Connection&>> result;
    run([&](Connection& connection) { result.emplace(work(connection)); });
    return std::move(*result);
  }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  class PooledConnection;
  [[noreturn]] void refuse(const std::string& reason) const;

  const Address address_;
  const std::size_t max_connections_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable freed_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t in_use_ = 0;
  bool unavailable_ = false;                       ///< a call timed out, and none has succeeded since
  bool probing_ = false;                           ///< a call is probing the server
  std::string reason_;                             ///< why the server is considered unavailable
  std::function<void(Connection&)> initial_work_;  ///< empty once done
};

}  // namespace tessera::redis
