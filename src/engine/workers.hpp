// SPDX-License-Identifier: Apache-2.0
// The engine's threads: work handed out by index, results taken in order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <stop_token>

#include "base/stop.hpp"

namespace tessera {

/// Runs body(worker, index) for 0 <= index < count on `threads` threads, the caller's among them, handing out
/// indices from low to high. If bodies throw, no index above the lowest that has thrown is begun any more,
/// all below it are finished, and its exception is rethrown: which one it is does not depend on time. A stop
/// request counts as Error(cancelled) at the next index.
void for_each_index(int threads, std::int64_t count, const std::stop_token& stop,
                    const std::function<void(int worker, std::int64_t index)>& body);

/// Puts results that come in any order into order. The thread that brings the next one due passes it on, and
/// with it those that were waiting; nobody holds back more than `ahead` results.
template <class Item>
class InOrder {
 public:
  InOrder(std::function<void(Item)> take, std::int64_t ahead) : take_(std::move(take)), ahead_(ahead) {}
  /// Waits while `index` is too far ahead of what is due. Throws what `take` threw, also to those who come
  /// later, and what abandon() was given to those behind it.
  void put(std::int64_t index, Item item);
  /// Item `index` will not come, because making it failed: those who wait for it, or would, get `failure`.
  void abandon(std::int64_t index, std::exception_ptr failure);

 private:
  void fail(std::int64_t index, std::exception_ptr failure);

  std::function<void(Item)> take_;
  std::int64_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, Item> waiting_;
  std::int64_t due_ = 0;
  bool taking_ = false;
  std::exception_ptr failure_;
  std::int64_t failed_index_ = std::numeric_limits<std::int64_t>::max();  ///< lowest that failed
};

template <class Item>
void InOrder<Item>::put(std::int64_t index, Item item) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return index > failed_index_ || index < due_ + ahead_; });
  if (index > failed_index_) {
    std::rethrow_exception(failure_);
  }
  waiting_.emplace(index, std::move(item));
  if (taking_) {
    return;
  }
  taking_ = true;
  while (!waiting_.empty() && waiting_.begin()->first == due_) {
    Item due_item = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    lock.unlock();
    std::exception_ptr failure;
    try {
      take_(std::move(due_item));
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
      taking_ = false;
      fail(due_, failure);
      std::rethrow_exception(failure);
    }
    ++due_;
    changed_.notify_all();
  }
  taking_ = false;
}

template <class Item>
void InOrder<Item>::abandon(std::int64_t index, std::exception_ptr failure) {
  const std::scoped_lock lock(mutex_);
  fail(index, std::move(failure));
}

/// Under mutex_.
template <class Item>
void InOrder<Item>::fail(std::int64_t index, std::exception_ptr failure) {
  if (index < failed_index_) {
    failed_index_ = index;
    failure_ = std::move(failure);
  }
  changed_.notify_all();
}

}  // namespace tessera
