// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/resize.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tessera {

std::vector<Resize> Resize::samples(Extent in) {
  std::vector<Resize> result;
  const int w = static_cast<int>(std::min<std::int64_t>(in.width, 90));
  const int h = static_cast<int>(std::min<std::int64_t>(in.height, 90));
  for (const auto& [key, name] : EnumNames<ResizeMethod>::names) {
    result.push_back({.width = w + 3, .height = 2 * h - 1, .method = key});
    result.push_back({.width = std::max(1, w / 3), .height = std::max(1, h / 2), .method = key});
    result.push_back({.scale = 0.37, .method = key});
    result.push_back({.width = 40, .height = 30, .fit = true, .method = key});
  }
  return result;
}

Extent Resize::result_extent(Extent in) const {
  const auto sized = [](double side) { return std::max<std::int64_t>(1, std::llround(side)); };
  const auto w = static_cast<double>(in.width);
  const auto h = static_cast<double>(in.height);
  if (scale > 0) {
    if (width > 0 || height > 0) {
      throw Error(ErrorCode::bad_parameter, "resize: give either scale or width and height, not both.");
    }
    return {sized(w * scale), sized(h * scale)};
  }
  if (width == 0 && height == 0) {
    throw Error(ErrorCode::bad_parameter, "resize: give width, height or both, or scale.");
  }
  if (width > 0 && height > 0 && !fit) {
    return {width, height};
  }
  const double by_width = width > 0 ? width / w : height / h;
  const double by_height = height > 0 ? height / h : by_width;
  const double factor = std::min(by_width, by_height);
  return {sized(w * factor), sized(h * factor)};
}

Rect Resize::needs(const Rect& out, Extent in) const {
  const Extent whole = result_extent(in);
  const auto reach = [this](std::int64_t begin, std::int64_t count, std::int64_t from,
                            std::int64_t to) -> Interval {
    const ResampleTaps first = resample_taps(method, begin, from, to);
    const ResampleTaps last = resample_taps(method, begin + count - 1, from, to);
    return {std::clamp<std::int64_t>(first.first, 0, from - 1),
            std::clamp<std::int64_t>(last.first + static_cast<std::int64_t>(last.weights.size()), 1, from)};
  };
  return Rect::from(reach(out.x, out.width, in.width, whole.width),
                    reach(out.y, out.height, in.height, whole.height));
}

PreparedResize Resize::bind(const ImageInfo& picture) const {
  const Extent whole = result_extent(picture.extent);
  return PreparedResize(AxisTaps(method, picture.extent.width, whole.width),
                        AxisTaps(method, picture.extent.height, whole.height));
}

}  // namespace tessera
