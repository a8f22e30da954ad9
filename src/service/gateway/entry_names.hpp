// SPDX-License-Identifier: Apache-2.0
// Portable names of archive entries.
#pragma once

#include <string>
#include <string_view>

namespace tessera::service {

/// A file name that is valid on Windows, macOS and Linux: without folders, control characters and the
/// characters that are special on Windows, not a device name (CON, NUL, ...), not ending with a dot or a
/// space, and never empty.
[[nodiscard]] std::string safe_entry_name(std::string_view name);

/// Case-folded name, for finding names that are equal on case-insensitive systems.
[[nodiscard]] std::string folded(std::string_view name);

}  // namespace tessera::service
