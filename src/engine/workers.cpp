#include "engine/workers.hpp"

#include <thread>
#include <vector>

#include "core/error.hpp"

namespace tessera {

void for_each_index(int threads, std::int64_t count, const std::stop_token& stop,
                    const std::function<void(int, std::int64_t)>& body) {
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr first_error;
  const auto work = [&](int worker) {
    try {
      for (std::int64_t index = next++; index < count && !failed; index = next++) {
        throw_if_stopped(stop);
        body(worker, index);
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!first_error) {
        first_error = std::current_exception();
      }
      failed = true;
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
  if (first_error) {
    std::rethrow_exception(first_error);
  }
}

void InOrder::put(std::int64_t index, Bytes item) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return abandoned_ || index < due_ + ahead_; });
  if (abandoned_) {
    throw Error(ErrorCode::cancelled, "The work was stopped because another part of it failed.");
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
    try {
      take_(due_item);
    } catch (...) {
      lock.lock();
      abandoned_ = true;
      taking_ = false;
      changed_.notify_all();
      throw;
    }
    lock.lock();
    ++due_;
    changed_.notify_all();
  }
  taking_ = false;
}

void InOrder::abandon() {
  const std::scoped_lock lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

}  // namespace tessera
