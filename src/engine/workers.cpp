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

}  // namespace tessera
