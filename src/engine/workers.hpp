// The engine's threads: work handed out by index, results taken in order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>

#include "core/bytes.hpp"
#include "core/stop.hpp"

namespace tessera {

/// Runs body(worker, index) for 0 <= index < count on `threads` threads, the caller's among them, handing out
/// indices from low to high. The first exception ends the hand-out and is rethrown when all have returned; a
/// stop request ends it with Error(cancelled).
void for_each_index(int threads, std::int64_t count, const std::stop_token& stop,
                    const std::function<void(int worker, std::int64_t index)>& body);

/// Puts results that come in any order into order. The thread that brings the next one due passes it on, and
/// with it those that were waiting; nobody holds back more than `ahead` results.
class InOrder {
 public:
  InOrder(std::function<void(const Bytes&)> take, std::int64_t ahead)
      : take_(std::move(take)), ahead_(ahead) {}
  /// Waits while `index` is too far ahead of what is due. Throws what `take` threw, also to those who come
  /// later.
  void put(std::int64_t index, Bytes item);
  /// No more will come, because a worker failed: releases those who wait.
  void abandon();

 private:
  std::function<void(const Bytes&)> take_;
  std::int64_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, Bytes> waiting_;
  std::int64_t due_ = 0;
  bool taking_ = false;
  bool abandoned_ = false;
};

}  // namespace tessera
