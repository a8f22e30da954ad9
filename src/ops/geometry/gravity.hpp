// SPDX-License-Identifier: Apache-2.0
// Which part stays where a picture is cut to a size, and where it lies on a canvas of a size.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "ops/kinds.hpp"

namespace tessera {

enum class Gravity : std::uint8_t {
  center,
  north,
  north_east,
  east,
  south_east,
  south,
  south_west,
  west,
  north_west
};

template <>
struct EnumNames<Gravity> {
  static constexpr std::array names{std::pair{Gravity::center, std::string_view("center")},
                                    std::pair{Gravity::north, std::string_view("north")},
                                    std::pair{Gravity::north_east, std::string_view("north-east")},
                                    std::pair{Gravity::east, std::string_view("east")},
                                    std::pair{Gravity::south_east, std::string_view("south-east")},
                                    std::pair{Gravity::south, std::string_view("south")},
                                    std::pair{Gravity::south_west, std::string_view("south-west")},
                                    std::pair{Gravity::west, std::string_view("west")},
                                    std::pair{Gravity::north_west, std::string_view("north-west")}};
};

/// The part `size` of a picture `whole`, which it fits into: at the side or corner that `gravity` names, or in
/// the middle, where half a pixel is rounded down.
[[nodiscard]] inline Rect part_at(Gravity gravity, Extent size, Extent whole) {
  const bool left =
      gravity == Gravity::west || gravity == Gravity::north_west || gravity == Gravity::south_west;
  const bool right =
      gravity == Gravity::east || gravity == Gravity::north_east || gravity == Gravity::south_east;
  const bool top =
      gravity == Gravity::north || gravity == Gravity::north_west || gravity == Gravity::north_east;
  const bool bottom =
      gravity == Gravity::south || gravity == Gravity::south_west || gravity == Gravity::south_east;
  const std::int64_t free_columns = whole.width - size.width;
  const std::int64_t free_rows = whole.height - size.height;
  return {left    ? 0
          : right ? free_columns
                  : free_columns / 2,
          top      ? 0
          : bottom ? free_rows
                   : free_rows / 2,
          size.width, size.height};
}

/// "center", "north", ... as a pipeline's text has it; nothing for other words.
[[nodiscard]] constexpr bool is_gravity(std::string_view word) {
  for (const auto& [value, name] : EnumNames<Gravity>::names) {
    if (name == word) {
      return true;
    }
  }
  return false;
}

}  // namespace tessera
