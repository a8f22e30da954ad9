// SPDX-License-Identifier: Apache-2.0
#include "preview/pictures.hpp"

#include <QColorSpace>
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace tessera::desktop {
namespace {

cv::Mat shrink_plane(const cv::Mat& plane, const Extent& to) {
  cv::Mat result;
  cv::resize(plane, result, cv::Size(static_cast<int>(to.width), static_cast<int>(to.height)), 0, 0,
             cv::INTER_AREA);
  return result;
}

/// 16-bit samples divided by 257; 8-bit ones as they are.
cv::Mat eight_bits(const cv::Mat& plane) {
  if (plane.depth() == CV_8U) {
    return plane;
  }
  cv::Mat result;
  plane.convertTo(result, CV_8U, 1.0 / 257);
  return result;
}

}  // namespace

Tile shrink(const Tile& tile, const Extent& to) {
  if (to == Extent{tile.rect.width, tile.rect.height}) {
    return tile;
  }
  return {Rect::whole(to), shrink_plane(tile.color, to),
          tile.alpha.empty() ? cv::Mat() : shrink_plane(tile.alpha, to)};
}

Extent scaled_extent(const Extent& extent, double scale) {
  const auto length = [scale](std::int64_t full) {
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::ceil(static_cast<double>(full) * scale - 1e-6)), 1, full);
  };
  return {length(extent.width), length(extent.height)};
}

QImage to_image(const Tile& tile, const Bytes& icc) {
  const cv::Mat color = eight_bits(tile.color);
  QImage image(color.cols, color.rows, tile.alpha.empty() ? QImage::Format_RGB32 : QImage::Format_ARGB32);
  // Qt's formats of 32 bits are B, G, R, A in memory where the least significant byte comes first.
  static_assert(Q_BYTE_ORDER == Q_LITTLE_ENDIAN);
  cv::Mat target(color.rows, color.cols, CV_8UC4, image.bits(),
                 static_cast<std::size_t>(image.bytesPerLine()));
  cv::cvtColor(color, target, color.channels() == 1 ? cv::COLOR_GRAY2BGRA : cv::COLOR_RGB2BGRA);
  if (!tile.alpha.empty()) {
    const cv::Mat alpha = eight_bits(tile.alpha);
    constexpr std::array to_last{0, 3};
    cv::mixChannels(&alpha, 1, &target, 1, to_last.data(), 1);
  }
  if (!icc.empty()) {
    const QColorSpace space = QColorSpace::fromIccProfile(
        QByteArray(reinterpret_cast<const char*>(icc.data()), static_cast<qsizetype>(icc.size())));
    if (space.isValid() && space != QColorSpace(QColorSpace::SRgb)) {
      image.setColorSpace(space);
      image.convertToColorSpace(QColorSpace::SRgb);
    }
  }
  if (!tile.alpha.empty()) {
    image.convertTo(QImage::Format_ARGB32_Premultiplied);
  }
  return image;
}

Histogram histogram_of(const Tile& tile) {
  const cv::Mat color = eight_bits(tile.color);
  Histogram histogram{color.channels(), {}};
  for (int row = 0; row < color.rows; ++row) {
    const uchar* at = color.ptr(row);
    if (histogram.channels == 1) {
      for (int i = 0; i < color.cols; ++i) {
        ++histogram.counts[0][at[i]];
      }
      continue;
    }
    for (int i = 0; i < color.cols; ++i, at += 3) {
      ++histogram.counts[0][at[0]];
      ++histogram.counts[1][at[1]];
      ++histogram.counts[2][at[2]];
    }
  }
  return histogram;
}

}  // namespace tessera::desktop
