// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/resize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace tessera {
namespace {

std::int64_t whole_side(double side) { return std::max<std::int64_t>(1, std::llround(side)); }

/// A side as people write it in "800x600"; nothing for anything else. Empty: 0.
std::optional<int> parse_side(std::string_view text) {
  int side = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (!text.empty() && (failure != std::errc{} || end != text.data() + text.size() || side <= 0)) {
    return std::nullopt;
  }
  return side;
}

}  // namespace

Json Resize::upgrade(Json parameters, int) {
  const auto fit = parameters.find("fit");
  const bool kept =
      fit != parameters.end() && (*fit == true || *fit == "true" || *fit == "yes" || *fit == "on");
  const bool stretched =
      fit == parameters.end() || *fit == false || *fit == "false" || *fit == "no" || *fit == "off";
  if (!kept && !stretched) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("resize: parameter 'fit' of version 1 must be true or false, but {} was given.",
                            fit->dump()));
  }
  // One side alone has always kept the proportions.
  if (stretched && parameters.contains("width") && parameters.contains("height") &&
      parameters["width"] != 0 && parameters["height"] != 0) {
    parameters["fit"] = "fill";
  } else if (fit != parameters.end()) {
    parameters.erase("fit");
  }
  return parameters;
}

Json Resize::shorthand(std::string_view word) {
  if (is_gravity(word)) {
    return {{"gravity", std::string(word)}};
  }
  if (word.ends_with('%')) {
    double percent = 0;
    const char* const end = word.data() + word.size() - 1;
    const auto [stop, failure] = std::from_chars(word.data(), end, percent);
    return failure == std::errc{} && stop == end && percent > 0 ? Json{{"scale", percent / 100}} : Json();
  }
  const std::size_t cross = word.find('x');
  const auto width = parse_side(word.substr(0, cross));
  const auto height = cross == std::string_view::npos ? std::optional(0) : parse_side(word.substr(cross + 1));
  if (!width || !height || (*width == 0 && *height == 0)) {
    return {};
  }
  Json parameters = Json::object();
  if (*width > 0) {
    parameters["width"] = *width;
  }
  if (*height > 0) {
    parameters["height"] = *height;
  }
  return parameters;
}

std::vector<Resize> Resize::samples(Extent in) {
  std::vector<Resize> result;
  const int w = static_cast<int>(std::min<std::int64_t>(in.width, 90));
  const int h = static_cast<int>(std::min<std::int64_t>(in.height, 90));
  for (const auto& [key, name] : EnumNames<ResizeMethod>::names) {
    result.push_back({.width = w + 3, .height = 2 * h - 1, .fit = ResizeFit::fill, .method = key});
    result.push_back(
        {.width = std::max(1, w / 3), .height = std::max(1, h / 2), .fit = ResizeFit::fill, .method = key});
    result.push_back({.scale = 0.37, .method = key});
    result.push_back({.width = 40, .height = 30, .method = key});
  }
  result.push_back({.width = 40, .height = 30, .fit = ResizeFit::outside});
  result.push_back({.long_edge = 50, .enlarge = false});
  for (const auto& [key, name] : EnumNames<Gravity>::names) {
    result.push_back({.width = 33, .height = 20, .fit = ResizeFit::cover, .gravity = key});
  }
  result.push_back({.width = 20, .height = 2 * h, .fit = ResizeFit::cover, .method = ResizeMethod::area});
  return result;
}

Extent Resize::scaled_extent(Extent in) const {
  const auto w = static_cast<double>(in.width);
  const auto h = static_cast<double>(in.height);
  const int ways = (scale > 0 ? 1 : 0) + (long_edge > 0 ? 1 : 0) + (width > 0 || height > 0 ? 1 : 0);
  if (ways == 0) {
    throw Error(ErrorCode::bad_parameter, "resize: give width, height or both, or long-edge, or scale.");
  }
  if (ways > 1) {
    throw Error(ErrorCode::bad_parameter,
                "resize: give only one of scale, long-edge, and width with height.");
  }
  const auto by = [&](double factor) -> Extent {
    return enlarge || factor < 1 ? Extent{whole_side(w * factor), whole_side(h * factor)} : in;
  };
  if (scale > 0) {
    return by(scale);
  }
  if (long_edge > 0) {
    return by(long_edge / std::max(w, h));
  }
  if (width == 0 || height == 0) {
    return by(width > 0 ? width / w : height / h);
  }
  const double by_width = width / w;
  const double by_height = height / h;
  switch (fit) {
    case ResizeFit::inside:
      return by(std::min(by_width, by_height));
    case ResizeFit::outside:
      return by(std::max(by_width, by_height));
    case ResizeFit::cover: {
      // Rounding must not leave the box a pixel short.
      const Extent scaled = by(std::max(by_width, by_height));
      return scaled == in ? in
                          : Extent{std::max<std::int64_t>(scaled.width, width),
                                   std::max<std::int64_t>(scaled.height, height)};
    }
    case ResizeFit::fill:
      break;
  }
  return enlarge || (by_width < 1 && by_height < 1)
             ? Extent{width, height}
             : Extent{std::min<std::int64_t>(width, in.width), std::min<std::int64_t>(height, in.height)};
}

Extent Resize::result_extent(Extent in) const {
  const Extent scaled = scaled_extent(in);
  if (fit != ResizeFit::cover || width == 0 || height == 0) {
    return scaled;
  }
  return {std::min<std::int64_t>(scaled.width, width), std::min<std::int64_t>(scaled.height, height)};
}

Rect Resize::needs(const Rect& out, Extent in) const {
  const Extent whole = scaled_extent(in);
  const Rect part = part_at(gravity, result_extent(in), whole);
  const auto reach = [this](std::int64_t begin, std::int64_t count, std::int64_t from,
                            std::int64_t to) -> Interval {
    const ResampleTaps first = resample_taps(method, begin, from, to);
    const ResampleTaps last = resample_taps(method, begin + count - 1, from, to);
    return {std::clamp<std::int64_t>(first.first, 0, from - 1),
            std::clamp<std::int64_t>(last.first + static_cast<std::int64_t>(last.weights.size()), 1, from)};
  };
  return Rect::from(reach(out.x + part.x, out.width, in.width, whole.width),
                    reach(out.y + part.y, out.height, in.height, whole.height));
}

PreparedResize Resize::bind(const ImageInfo& picture) const { return after_loading(picture.extent, 1); }

int Resize::loading_factor(Extent original) const {
  if (method == ResizeMethod::nearest) {
    return 1;
  }
  const Extent whole = scaled_extent(original);
  constexpr std::int64_t left_to_do = 2;
  int factor = 8;
  while (factor > 1 && (original.width < left_to_do * factor * whole.width ||
                        original.height < left_to_do * factor * whole.height)) {
    factor /= 2;
  }
  return factor;
}

PreparedResize Resize::after_loading(Extent original, int factor) const {
  const Extent whole = scaled_extent(original);
  const Rect part = part_at(gravity, result_extent(original), whole);
  return PreparedResize(AxisTaps(method, original.width, whole.width, factor).window(part.x, part.width),
                        AxisTaps(method, original.height, whole.height, factor).window(part.y, part.height));
}

}  // namespace tessera
