// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/crop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Width over height of "3:2"; nothing for anything else.
std::optional<double> parse_aspect(std::string_view text) {
  const char* const end = text.data() + text.size();
  double width = 0;
  double height = 0;
  const auto first = std::from_chars(text.data(), end, width);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') {
    return std::nullopt;
  }
  const auto second = std::from_chars(first.ptr + 1, end, height);
  if (second.ec != std::errc{} || second.ptr != end || !(width > 0) || !(height > 0) ||
      !std::isfinite(width / height)) {
    return std::nullopt;
  }
  return width / height;
}

}  // namespace

Json Crop::shorthand(std::string_view word) {
  if (is_gravity(word)) {
    return {{"gravity", std::string(word)}};
  }
  if (parse_aspect(word)) {
    return {{"aspect", std::string(word)}};
  }
  int width = 0;
  int height = 0;
  const char* const end = word.data() + word.size();
  const auto first = std::from_chars(word.data(), end, width);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == 'x') {
    const auto second = std::from_chars(first.ptr + 1, end, height);
    if (second.ec == std::errc{} && second.ptr == end && width > 0 && height > 0) {
      return {{"width", width}, {"height", height}};
    }
  }
  return {};
}

std::vector<Crop> Crop::samples(Extent in) {
  const int w = static_cast<int>(in.width);
  const int h = static_cast<int>(in.height);
  std::vector<Crop> result{{},
                           {.x = w / 3, .y = h / 4, .width = (w + 2) / 3},
                           {.x = w - 1, .y = h - 1, .width = 1, .height = 1},
                           {.y = h / 2, .height = h - h / 2},
                           {.aspect = "1:1"},
                           {.aspect = "1.91:1", .gravity = Gravity::south_east}};
  return result;
}

Rect Crop::rectangle(Extent in) const {
  if (!aspect.empty()) {
    if (x != 0 || y != 0 || width != 0 || height != 0) {
      throw Error(ErrorCode::bad_parameter, "crop: give either aspect or a place and size, not both.");
    }
    const std::optional<double> proportions = parse_aspect(aspect);
    if (!proportions) {
      throw Error(
          ErrorCode::bad_parameter,
          fmt::format("crop: aspect '{}' is not two numbers with a colon between them, like 3:2.", aspect));
    }
    const auto w = static_cast<double>(in.width);
    const auto h = static_cast<double>(in.height);
    const Extent size{std::clamp<std::int64_t>(std::llround(std::min(w, h * *proportions)), 1, in.width),
                      std::clamp<std::int64_t>(std::llround(std::min(h, w / *proportions)), 1, in.height)};
    return part_at(gravity, size, in);
  }
  const Rect part{x, y, width > 0 ? width : in.width - x, height > 0 ? height : in.height - y};
  if (part.empty() || !Rect::whole(in).contains(part)) {
    throw Error(
        ErrorCode::bad_parameter,
        fmt::format("crop: the rectangle at x={} y={}, {} wide and {} high, reaches outside the picture, "
                    "which has {}x{} pixels. Choose one inside it.",
                    x, y, part.width, part.height, in.width, in.height));
  }
  return part;
}

}  // namespace tessera
