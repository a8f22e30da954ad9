// Names of entries in archives, which are unpacked on systems of all kinds.
#pragma once

#include <string>
#include <string_view>

namespace tessera::service {

/// A name that is one on Windows, macOS and Linux alike: without folders, control characters and the letters
/// that Windows gives a meaning, not one of its devices (CON, NUL, ...), not ending with a dot or a space,
/// and never empty.
[[nodiscard]] std::string safe_entry_name(std::string_view name);

/// The same for names that systems take for the same: capitals do not count.
[[nodiscard]] std::string folded(std::string_view name);

}  // namespace tessera::service
