// Many small waits side by side.
#pragma once

#include <cstddef>
#include <functional>

namespace tessera::service {

/// Calls work(0) to work(count - 1), as many as `most` at the same time, and returns when all have ended.
/// When some throw, what the one of the lowest number threw is thrown; those that had not begun are left out.
void each_at_once(std::size_t count, std::size_t most, const std::function<void(std::size_t)>& work);

}  // namespace tessera::service
