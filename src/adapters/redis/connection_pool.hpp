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

/// Safe to use from many threads. A server that is away is waited for by each call, until `patience` is over.
/// From then on calls fail at once, but for one at a time that tries whether the server is back: so a server
/// that stays away does not hold up those who could do without it.
class ConnectionPool {
 public:
  explicit ConnectionPool(Address address, std::size_t most,
                          std::chrono::milliseconds patience = std::chrono::seconds(5));

  /// Has `work` done once, before the first work on a connection. Call it before any other.
  void set_first_work(std::function<void(Connection&)> work) { first_work_ = std::move(work); }

  /// Runs `work` on a connection that nobody else uses meanwhile; when that breaks, again on a new one.
  /// `work` must stand being done twice. Throws Error(unavailable), and what `work` throws.
  void run(const std::function<void(Connection&)>& work);

  /// The same for work that gives something.
  template <class Work>
  std::invoke_result_t<const Work&, Connection&> ask(const Work& work) {
    std::optional<std::invoke_result_t<const Work&, Connection&>> result;
    run([&](Connection& connection) { result.emplace(work(connection)); });
    return std::move(*result);
  }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  class Loan;
  [[noreturn]] void refuse(const std::string& reason) const;

  const Address address_;
  const std::size_t most_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable freed_;
  // Guarded by mutex_:
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t lent_ = 0;
  bool away_ = false;    ///< a call has waited for the server in vain, and none has succeeded since
  bool trying_ = false;  ///< one call tries whether it is back
  std::string reason_;   ///< why it is thought to be away
  std::function<void(Connection&)> first_work_;  ///< empty when it was done
};

}  // namespace tessera::redis
