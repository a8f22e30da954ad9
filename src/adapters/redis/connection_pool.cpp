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

ConnectionPool::ConnectionPool(Address address, std::size_t most, std::chrono::milliseconds patience)
    : address_(std::move(address)), most_(most), patience_(patience) {}

void ConnectionPool::refuse(const std::string& reason) const {
  throw Error(ErrorCode::unavailable,
              fmt::format("Redis at {}:{} does not answer: {}.", address_.host, address_.port, reason));
}

/// One use of a connection, which goes back to the pool afterwards.
class ConnectionPool::Loan {
 public:
  Loan(ConnectionPool& pool, Deadline deadline) : pool_(pool) {
    std::unique_lock lock(pool_.mutex_);
    if (!pool_.freed_.wait_until(lock, deadline, [&] { return pool_.away_ || pool_.lent_ < pool_.most_; })) {
      pool_.refuse(fmt::format("all {} connections have been busy for too long", pool_.most_));
    }
    if (pool_.away_) {
      if (pool_.trying_) {
        pool_.refuse(pool_.reason_);
      }
      pool_.trying_ = true;
      is_trial_ = true;
    }
    ++pool_.lent_;
    if (pool_.idle_.empty()) {
      connection_ = std::make_unique<Connection>(pool_.address_, pool_.patience_);
    } else {
      connection_ = std::move(pool_.idle_.back());
      pool_.idle_.pop_back();
    }
  }
  ~Loan() {
    const std::lock_guard lock(pool_.mutex_);
    --pool_.lent_;
    if (is_trial_) {
      pool_.trying_ = false;
    }
    if (connection_) {
      pool_.idle_.push_back(std::move(connection_));
    }
    pool_.freed_.notify_one();
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] bool is_trial() const { return is_trial_; }
  void do_first_work() {
    std::function<void(Connection&)> first;
    {
      const std::lock_guard lock(pool_.mutex_);
      first = std::exchange(pool_.first_work_, nullptr);
    }
    if (!first) {
      return;
    }
    try {
      first(*connection_);
    } catch (const Broken&) {
      const std::lock_guard lock(pool_.mutex_);
      pool_.first_work_ = std::move(first);
      throw;
    }
  }
  void answered() {
    const std::lock_guard lock(pool_.mutex_);
    pool_.away_ = false;
  }
  /// The others are broken too, or will be found to be sound by new ones.
  void broke() {
    const std::lock_guard lock(pool_.mutex_);
    connection_.reset();
    pool_.idle_.clear();
  }
  void is_away(const std::string& reason) {
    const std::lock_guard lock(pool_.mutex_);
    pool_.away_ = true;
    pool_.reason_ = reason;
    pool_.freed_.notify_all();
  }

 private:
  ConnectionPool& pool_;
  std::unique_ptr<Connection> connection_;
  bool is_trial_ = false;
};

void ConnectionPool::run(const std::function<void(Connection&)>& work) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience_;
  Backoff backoff(first_backoff, max_backoff);
  for (;;) {
    {
      Loan loan(*this, deadline);
      try {
        loan.do_first_work();
        work(loan.connection());
        loan.answered();
        return;
      } catch (const Broken& broken) {
        loan.broke();
        if (loan.is_trial() || std::chrono::steady_clock::now() >= deadline) {
          loan.is_away(broken.what());
          refuse(broken.what());
        }
      } catch (const Error&) {
        loan.answered();
        throw;
      }
    }
    // Without a connection, so that others try too.
    const auto left = deadline - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::clamp<std::chrono::steady_clock::duration>(
        backoff.next(), std::chrono::steady_clock::duration::zero(),
        std::max(left, std::chrono::steady_clock::duration::zero())));
  }
}

}  // namespace tessera::redis
