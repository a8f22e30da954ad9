// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/connection_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "net/backoff.hpp"

namespace tessera::redis {
namespace {

constexpr std::chrono::milliseconds first_backoff{50};
constexpr std::chrono::milliseconds max_backoff{1000};

}  // namespace

ConnectionPool::ConnectionPool(Address address, std::size_t max_connections,
                               std::chrono::milliseconds timeout)
    : address_(std::move(address)), max_connections_(max_connections), timeout_(timeout) {}

void ConnectionPool::refuse(const std::string& reason) const {
  throw Error(ErrorCode::unavailable, fmt::format("{} does not respond: {}.", address_.shown(), reason));
}

/// A connection in use; it returns to the pool when this is destroyed.
class ConnectionPool::PooledConnection {
 public:
  PooledConnection(ConnectionPool& pool, Deadline deadline) : pool_(pool) {
    std::unique_lock lock(pool_.mutex_);
    if (!pool_.freed_.wait_until(
            lock, deadline, [&] { return pool_.unavailable_ || pool_.in_use_ < pool_.max_connections_; })) {
      pool_.refuse(fmt::format("all {} connections have been busy for too long", pool_.max_connections_));
    }
    if (pool_.unavailable_) {
      if (pool_.probing_) {
        pool_.refuse(pool_.reason_);
      }
      pool_.probing_ = true;
      is_probe_ = true;
    }
    ++pool_.in_use_;
    if (pool_.idle_.empty()) {
      connection_ = std::make_unique<Connection>(pool_.address_, pool_.timeout_);
    } else {
      connection_ = std::move(pool_.idle_.back());
      pool_.idle_.pop_back();
    }
  }
  ~PooledConnection() {
    const std::lock_guard lock(pool_.mutex_);
    --pool_.in_use_;
    if (is_probe_) {
      pool_.probing_ = false;
    }
    if (connection_) {
      pool_.idle_.push_back(std::move(connection_));
    }
    pool_.freed_.notify_one();
  }
  PooledConnection(const PooledConnection&) = delete;
  PooledConnection& operator=(const PooledConnection&) = delete;

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] bool is_probe() const { return is_probe_; }
  void run_initial_work() {
    std::function<void(Connection&)> first;
    {
      const std::lock_guard lock(pool_.mutex_);
      first = std::exchange(pool_.initial_work_, nullptr);
    }
    if (!first) {
      return;
    }
    try {
      first(*connection_);
    } catch (const Broken&) {
      const std::lock_guard lock(pool_.mutex_);
      pool_.initial_work_ = std::move(first);
      throw;
    }
  }
  void mark_available() {
    const std::lock_guard lock(pool_.mutex_);
    pool_.unavailable_ = false;
  }
  /// Drops the idle connections too: they are probably broken, and new ones will show whether the server is
  /// back.
  void mark_broken() {
    const std::lock_guard lock(pool_.mutex_);
    connection_.reset();
    pool_.idle_.clear();
  }
  void mark_unavailable(const std::string& reason) {
    const std::lock_guard lock(pool_.mutex_);
    pool_.unavailable_ = true;
    pool_.reason_ = reason;
    pool_.freed_.notify_all();
  }

 private:
  ConnectionPool& pool_;
  std::unique_ptr<Connection> connection_;
  bool is_probe_ = false;
};

void ConnectionPool::run(const std::function<void(Connection&)>& work) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout_;
  Backoff backoff(first_backoff, max_backoff);
  for (;;) {
    {
      PooledConnection pooled(*this, deadline);
      try {
        pooled.run_initial_work();
        work(pooled.connection());
        pooled.mark_available();
        return;
      } catch (const Broken& broken) {
        pooled.mark_broken();
        if (pooled.is_probe() || std::chrono::steady_clock::now() >= deadline) {
          pooled.mark_unavailable(broken.what());
          refuse(broken.what());
        }
      } catch (const Error&) {
        pooled.mark_available();
        throw;
      }
    }
    // Wait without holding a connection, so that others can try.
    const auto left = deadline - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::clamp<std::chrono::steady_clock::duration>(
        backoff.next(), std::chrono::steady_clock::duration::zero(),
        std::max(left, std::chrono::steady_clock::duration::zero())));
  }
}

}  // namespace tessera::redis
