// SPDX-License-Identifier: Apache-2.0
#include "engine/workers.hpp"

#include <thread>
#include <vector>

#include "base/error.hpp"

namespace tessera {

void for_each_index(int threads, std::int64_t count, const std::stop_token& stop,
                    const std::function<void(int, std::int64_t)>& body) {
  std::atomic<std::int64_t> next{0};
  std::atomic<std::int64_t> lowest_failed{count};
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&](int worker) {
    // An index that has been handed out is worked on unless one above it in the image has failed: what is
    // reported then is the same as if they had been done one after the other.
    for (std::int64_t index = next++; index < lowest_failed; index = next++) {
      try {
        throw_if_stopped(stop);
        body(worker, index);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (index < lowest_failed) {
          lowest_failed = index;
          error = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    const auto wanted = std::min<std::int64_t>(threads, count);
    for (int worker = 1; worker < wanted; ++worker) {
      helpers.emplace_back(work, worker);
    }
    work(0);
  }
  if (error) {
    std::rethrow_exception(error);
  }
}

void InOrder::put(std::int64_t index, Bytes item) {
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
    const Bytes due_item = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    lock.unlock();
    std::exception_ptr failure;
    try {
      take_(due_item);
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

void InOrder::abandon(std::int64_t index, std::exception_ptr failure) {
  const std::scoped_lock lock(mutex_);
  fail(index, std::move(failure));
}

/// Under mutex_.
void InOrder::fail(std::int64_t index, std::exception_ptr failure) {
  if (index < failed_index_) {
    failed_index_ = index;
    failure_ = std::move(failure);
  }
  changed_.notify_all();
}

}  // namespace tessera
