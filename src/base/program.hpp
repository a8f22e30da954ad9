// SPDX-License-Identifier: Apache-2.0
// How programs end.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tessera {

/// What `program` returns, or, after its sentence has been told on standard error, the exit code of what it
/// throws.
[[nodiscard]] int exit_code_of(const std::function<int()>& program);

/// Makes "--flag=value" of "--flag value" where value is one of `values`: the parser takes values of optional
/// ones only with an equals sign, because anything else may follow a flag.
void join_optional_value(std::vector<std::string>& arguments, const std::string& flag,
                         const std::vector<std::string>& values);

}  // namespace tessera
