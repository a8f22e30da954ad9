// SPDX-License-Identifier: Apache-2.0
// Text that others have chosen (names of files, answers of servers), where it meets terminals, logs and
// archives: control characters move cursors and forge lines, bidirectional controls show names backwards.
#pragma once

#include <string>
#include <string_view>

namespace tessera {

/// Whether `text` has a character that is shown as nothing or changes how others are shown: C0 and C1
/// controls (NUL, line feed, escape, ...), DEL, line and paragraph separators, bidirectional controls. Bytes
/// that are not UTF-8 count too.
[[nodiscard]] bool has_control_characters(std::string_view text);

/// The same text with those characters as escapes: "\n", "\x1b", "\u{202e}"; bytes that are not UTF-8 as
/// "\xff".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tessera
