// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/iiif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace tessera::service {
namespace {

constexpr std::int64_t iiif_tile_px = 512;
/// Sides of pictures; products of two fit into 64 bits.
constexpr std::int64_t max_side = 2'000'000'000;

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view reason) {
  throw Error(ErrorCode::usage,
              fmt::format("The {} '{}' is not one: {}.", what, printable(text.substr(0, 100)), reason));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool fine = error == std::errc() && end == text.data() + text.size() && value >= 0 &&
                    value <= max_side && text.front() != '-';
  return fine ? std::optional(value) : std::nullopt;
}

/// "12", "12.5", ".5": digits with at most one point (section 4: floating point numbers).
std::optional<double> decimal_number(std::string_view text) {
  const bool fine = !text.empty() && text != "." &&
                    text.find_first_not_of("0123456789.") == std::string_view::npos &&
                    std::ranges::count(text, '.') <= 1;
  double value = 0;
  if (!fine || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(comma + 1);
  }
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

struct Box {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

Box parse_region(std::string_view text, const PictureSize& picture) {
  if (text == "full") {
    return {0, 0, picture.width, picture.height};
  }
  if (text == "square") {
    const std::int64_t side = std::min(picture.width, picture.height);
    return {(picture.width - side) / 2, (picture.height - side) / 2, side, side};
  }
  std::string_view numbers = text;
  const bool percent = take_prefix(numbers, "pct:");
  std::array<std::int64_t, 4> values{};
  const std::vector<std::string_view> parts = parts_of(numbers);
  bool fine = parts.size() == values.size();
  for (std::size_t i = 0; fine && i < values.size(); ++i) {
    if (percent) {
      const auto value = decimal_number(parts[i]);
      fine = value && *value <= 100;
      const auto side = static_cast<double>(i % 2 == 0 ? picture.width : picture.height);
      values.at(i) = fine ? std::llround(*value / 100 * side) : 0;
    } else {
      const auto value = whole_number(parts[i]);
      fine = value.has_value();
      values.at(i) = value.value_or(0);
    }
  }
  if (!fine) {
    refuse("region", text, "use full, square, X,Y,WIDTH,HEIGHT in pixels, or pct:X,Y,WIDTH,HEIGHT");
  }
  const auto [x, y, width, height] = values;
  if (width == 0 || height == 0) {
    refuse("region", text, "it has no pixels");
  }
  if (x >= picture.width || y >= picture.height) {
    refuse("region", text,
           fmt::format("it lies outside the picture, which is {}x{}", picture.width, picture.height));
  }
  return {x, y, std::min(width, picture.width - x), std::min(height, picture.height - y)};
}

/// `side` * `to` / `from`, rounded, at least 1.
std::int64_t in_proportion(std::int64_t side, std::int64_t to, std::int64_t from) {
  const double exact = static_cast<double>(side) * static_cast<double>(to) / static_cast<double>(from);
  return std::max<std::int64_t>(1, std::llround(exact));
}

/// As large as `limits` allow, in the region's proportions.
PictureSize within(const Box& region, const PictureSize& limits) {
  if (region.width * limits.height > limits.width * region.height) {
    return {limits.width, std::min(limits.height, in_proportion(region.height, limits.width, region.width))};
  }
  return {std::min(limits.width, in_proportion(region.width, limits.height, region.height)), limits.height};
}

/// The largest size of the region with at most `max_pixels`.
PictureSize largest(const Box& region, std::int64_t max_pixels) {
  if (region.width <= max_pixels / region.height) {
    return {region.width, region.height};
  }
  const double scale = std::sqrt(static_cast<double>(max_pixels) / static_cast<double>(region.width) /
                                 static_cast<double>(region.height));
  return {std::max<std::int64_t>(1, static_cast<std::int64_t>(scale * static_cast<double>(region.width))),
          std::max<std::int64_t>(1, static_cast<std::int64_t>(scale * static_cast<double>(region.height)))};
}

PictureSize parse_sides(std::string_view text, std::string_view sides, const Box& region, bool confined) {
  const std::vector<std::string_view> parts = parts_of(sides);
  const auto side = [&](std::size_t index) -> std::int64_t {
    if (parts[index].empty()) {
      return 0;
    }
    const auto value = whole_number(parts[index]);
    if (!value || *value == 0) {
      refuse("size", text, "its sides are whole numbers of at least 1");
    }
    return *value;
  };
  if (parts.size() != 2 || (parts[0].empty() && parts[1].empty()) ||
      (confined && (parts[0].empty() || parts[1].empty()))) {
    refuse(
        "size", text,
        "use max, WIDTH, or ,HEIGHT or WIDTH,HEIGHT or !WIDTH,HEIGHT or pct:N, with ^ in front to enlarge");
  }
  const PictureSize asked{side(0), side(1)};
  if (asked.height == 0) {
    return {asked.width, in_proportion(region.height, asked.width, region.width)};
  }
  if (asked.width == 0) {
    return {in_proportion(region.width, asked.height, region.height), asked.height};
  }
  return confined ? within(region, asked) : asked;
}

PictureSize parse_size(std::string_view text, const Box& region, std::int64_t max_pixels) {
  std::string_view rest = text;
  const bool enlarge = take_prefix(rest, "^");
  if (rest == "max") {
    return largest(region, max_pixels);
  }
  PictureSize size;
  if (take_prefix(rest, "pct:")) {
    const auto percent = decimal_number(rest);
    if (!percent || *percent <= 0 || *percent > 1e6) {
      refuse("size", text, "the percentage is a number above 0");
    }
    const auto scaled = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(side) * *percent / 100));
    };
    size = {scaled(region.width), scaled(region.height)};
  } else {
    const bool confined = take_prefix(rest, "!");
    size = parse_sides(text, rest, region, confined);
    if (confined && !enlarge && (size.width > region.width || size.height > region.height)) {
      size = {region.width, region.height};  // fits already
    }
  }
  if (!enlarge && (size.width > region.width || size.height > region.height)) {
    refuse("size", text,
           fmt::format("it is more than the {}x{} pixels of the region; begin it with ^ to enlarge",
                       region.width, region.height));
  }
  return size;
}

void parse_rotation(std::string_view text, ShowPart& part) {
  std::string_view rest = text;
  part.mirrored = take_prefix(rest, "!");
  const auto degrees = decimal_number(rest);
  constexpr double quarter = 90;
  if (!degrees || *degrees > 4 * quarter || std::fmod(*degrees, quarter) != 0) {
    refuse("rotation", text, "use 0, 90, 180 or 270, with ! in front to mirror first");
  }
  part.quarter_turns = static_cast<int>(*degrees / quarter) % 4;
}

FileFormat parse_format(std::string_view text) {
  const auto format = format_from_extension(text);
  // Names are exact: one address for one picture.
  if (!format || format_extension(*format) != text) {
    refuse("format", text, fmt::format("use {}", known_formats()));
  }
  return *format;
}

IiifPart finished(const Box& region, const PictureSize& size, ShowPart part, FileFormat format,
                  std::string_view quality, const PictureSize& picture) {
  part.x = region.x;
  part.y = region.y;
  part.width = region.width;
  part.height = region.height;
  part.shown_width = size.width;
  part.shown_height = size.height;
  part.output = Json{{"format", format_extension(format)}};
  const bool whole = region.width == picture.width && region.height == picture.height;
  const bool enlarged = size.width > region.width || size.height > region.height;
  IiifPart result;
  result.format = format;
  result.canonical = fmt::format(
      "{}/{}/{}{}/{}.{}",
      whole ? "full" : fmt::format("{},{},{},{}", region.x, region.y, region.width, region.height),
      size == PictureSize{region.width, region.height}
          ? "max"
          : fmt::format("{}{},{}", enlarged ? "^" : "", size.width, size.height),
      part.mirrored ? "!" : "", part.quarter_turns * 90, quality, format_extension(format));
  result.part = std::move(part);
  return result;
}

/// 1, 2, 4, ... up to where the whole picture fits into one tile.
std::vector<std::int64_t> scale_factors(const PictureSize& picture, std::int64_t tile_px) {
  std::vector<std::int64_t> factors{1};
  while (std::max(picture.width, picture.height) > tile_px * factors.back()) {
    factors.push_back(2 * factors.back());
  }
  return factors;
}

std::int64_t divided_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

}  // namespace

IiifPart parse_iiif(std::string_view region_text, std::string_view size_text, std::string_view rotation,
                    std::string_view quality_and_format, const PictureSize& picture,
                    std::int64_t max_pixels) {
  const Box region = parse_region(region_text, picture);
  const PictureSize size = parse_size(size_text, region, max_pixels);
  ShowPart part;
  parse_rotation(rotation, part);
  const std::size_t dot = quality_and_format.rfind('.');
  const std::string_view quality = quality_and_format.substr(0, dot);
  if (dot == std::string_view::npos ||
      (quality != "default" && quality != "color" && quality != "gray" && quality != "bitonal")) {
    refuse("quality", quality_and_format, "use default, color, gray or bitonal, a dot, and the format");
  }
  const FileFormat format = parse_format(quality_and_format.substr(dot + 1));
  part.quality = quality == "default" ? "color" : std::string(quality);
  return finished(region, size, std::move(part), format, quality, picture);
}

Json iiif_info(const std::string& id, const PictureSize& picture, std::int64_t max_pixels) {
  Json sizes = Json::array();
  const std::vector<std::int64_t> factors = scale_factors(picture, iiif_tile_px);
  for (const std::int64_t factor : factors) {
    const PictureSize size{divided_up(picture.width, factor), divided_up(picture.height, factor)};
    if (size.width <= max_pixels / size.height) {
      sizes.insert(sizes.begin(), Json{{"width", size.width}, {"height", size.height}});
    }
  }
  return {{"@context", "http://iiif.io/api/image/3/context.json"},
          {"id", id},
          {"type", "ImageService3"},
          {"protocol", "http://iiif.io/api/image"},
          {"profile", "level2"},
          {"width", picture.width},
          {"height", picture.height},
          {"maxArea", max_pixels},
          {"sizes", std::move(sizes)},
          {"tiles", {{{"width", iiif_tile_px}, {"height", iiif_tile_px}, {"scaleFactors", factors}}}},
          {"extraQualities", {"color", "gray", "bitonal"}},
          {"extraFormats", {"tif", "webp"}},
          {"extraFeatures",
           {"canonicalLinkHeader", "mirroring", "profileLinkHeader", "regionSquare", "sizeUpscaling"}}};
}

int xyz_levels(const PictureSize& picture) {
  return static_cast<int>(scale_factors(picture, xyz_tile_px).size()) - 1;
}

std::optional<IiifPart> parse_xyz(std::string_view z_text, std::string_view x_text, std::string_view y_text,
                                  const PictureSize& picture) {
  const std::size_t dot = y_text.rfind('.');
  const std::int64_t z = whole_number(z_text).value_or(-1);
  const std::int64_t x = whole_number(x_text).value_or(-1);
  const std::int64_t y =
      dot == std::string_view::npos ? -1 : whole_number(y_text.substr(0, dot)).value_or(-1);
  if (z < 0 || x < 0 || y < 0) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}/{}/{}' is no tile: use LEVEL/COLUMN/ROW.FORMAT, in whole numbers from 0.",
                            printable(z_text.substr(0, 100)), printable(x_text.substr(0, 100)),
                            printable(y_text.substr(0, 100))));
  }
  const FileFormat format = parse_format(y_text.substr(dot + 1));
  const int levels = xyz_levels(picture);
  if (z > levels) {
    return std::nullopt;
  }
  const std::int64_t factor = std::int64_t{1} << (levels - z);
  const std::int64_t side = xyz_tile_px * factor;
  if (x >= divided_up(picture.width, side) || y >= divided_up(picture.height, side)) {
    return std::nullopt;
  }
  const Box region{x * side, y * side, std::min(side, picture.width - x * side),
                   std::min(side, picture.height - y * side)};
  return finished(region, {divided_up(region.width, factor), divided_up(region.height, factor)}, ShowPart{},
                  format, "default", picture);
}

}  // namespace tessera::service
