// How programs end.
#pragma once

#include <functional>

namespace tessera {

/// What `program` returns, or, after its sentence has been told on standard error, the exit code of what it
/// throws.
[[nodiscard]] int exit_code_of(const std::function<int()>& program);

}  // namespace tessera
