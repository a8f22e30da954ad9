// SPDX-License-Identifier: Apache-2.0
// The socket to the process that started this one.
#pragma once

#include <string_view>

#include "base/file_descriptor.hpp"

namespace tessera::cli {

/// The socket that is this process's standard output, which becomes its standard error: what libraries print there
/// must not reach the parent. `command` and `parent` name the two for people. Throws Error(usage) if it is none.
[[nodiscard]] FileDescriptor take_parent_socket(std::string_view command, std::string_view parent);

}  // namespace tessera::cli
