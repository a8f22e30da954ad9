// SPDX-License-Identifier: Apache-2.0
#include "image/image.hpp"

namespace tessera {

ImageInfo Tile::info() const {
  return {{rect.width, rect.height},
          {color.depth() == CV_8U ? Depth::u8 : Depth::u16, color.channels(), !alpha.empty()}};
}

Tile Tile::allocate(const Rect& rect, const PixelFormat& format) {
  Tile tile{
      rect, cv::Mat(static_cast<int>(rect.height), static_cast<int>(rect.width), color_type(format)), {}};
  if (format.alpha) {
    tile.alpha.create(static_cast<int>(rect.height), static_cast<int>(rect.width), alpha_type(format));
  }
  return tile;
}

cv::Mat standalone(const cv::Mat& mat, const cv::Rect& part) {
  return {part.height, part.width, mat.type(), const_cast<uchar*>(mat.ptr(part.y, part.x)), mat.step};
}

Tile Tile::view(const Rect& part) const {
  CV_Assert(rect.contains(part));
  const cv::Rect local(static_cast<int>(part.x - rect.x), static_cast<int>(part.y - rect.y),
                       static_cast<int>(part.width), static_cast<int>(part.height));
  return {part, standalone(color, local), alpha.empty() ? cv::Mat() : standalone(alpha, local)};
}

void copy_overlap(const Tile& from, Tile& to) {
  const Rect common = from.rect.intersect(to.rect);
  if (common.empty()) {
    return;
  }
  const auto local = [&common](const Tile& tile) {
    return cv::Rect(static_cast<int>(common.x - tile.rect.x), static_cast<int>(common.y - tile.rect.y),
                    static_cast<int>(common.width), static_cast<int>(common.height));
  };
  from.color(local(from)).copyTo(to.color(local(to)));
  if (!to.alpha.empty()) {
    from.alpha(local(from)).copyTo(to.alpha(local(to)));
  }
}

}  // namespace tessera
