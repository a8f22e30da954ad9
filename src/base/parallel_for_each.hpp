// SPDX-License-Identifier: Apache-2.0
// Runs many short blocking operations in parallel.
#pragma once

#include <cstddef>
#include <functional>

namespace tessera {

/// Calls work(0) to work(count - 1) on up to `max_threads` threads, and returns when all have ended. If some
/// throw, the exception of the lowest index is thrown; calls that had not begun are skipped.
void parallel_for_each(std::size_t count, std::size_t max_threads,
                       const std::function<void(std::size_t)>& work);

}  // namespace tessera
