// SPDX-License-Identifier: Apache-2.0
// Colours on terminals.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

enum class Colour : std::uint8_t { red, green, yellow, cyan, dim };

/// Whether text for `descriptor` is coloured: not if $NO_COLOR is set (https://no-color.org); if
/// $CLICOLOR_FORCE is set and not 0; otherwise if it is a terminal other than TERM=dumb.
[[nodiscard]] bool takes_colours(int descriptor);

/// `text` between the codes of that colour, or as it is without `coloured`. Width is padded before: the codes
/// have none.
[[nodiscard]] std::string in_colour(std::string_view text, Colour colour, bool coloured);

/// Lines for people: "tessera:" at the beginning of one in red, the first "Warning:" of one in yellow.
[[nodiscard]] std::string with_marks(std::string text, bool coloured);

/// "tessera: SENTENCE" on standard error, with its marks where that is coloured.
void print_sentence(std::string_view sentence);

/// Takes "--color=WHEN" and "--color WHEN" out of a command's arguments, up to "--". It is kept in the environment
/// (NO_COLOR, CLICOLOR_FORCE), which programs that this one starts get too; `auto` leaves that as it is. Throws
/// Error(usage) for anything but auto, always and never. Call it before there are threads.
void take_colour_option(std::vector<std::string>& arguments);

}  // namespace tessera
