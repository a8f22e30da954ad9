// SPDX-License-Identifier: Apache-2.0
#include "widgets/image_loading.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "base/error.hpp"
#include "codec/reader.hpp"
#include "jobs/model/job_record.hpp"

namespace tessera::desktop {
namespace {

constexpr std::int64_t rows_at_once = 64;

int reduction_for(const Extent& extent, std::int64_t max_pixels) {
  int reduced_by = 1;
  const auto pixels = [&] {
    return ((extent.width + reduced_by - 1) / reduced_by) * ((extent.height + reduced_by - 1) / reduced_by);
  };
  while (pixels() > max_pixels) {
    ++reduced_by;
  }
  return reduced_by;
}

/// Calls `take` with one strip of rows after the other, of a height that is a multiple of `align`.
template <class Take>
void read_strips(Source& source, std::int64_t align, const std::stop_token& stop, const Take& take) {
  const ImageInfo& info = source.info();
  const std::int64_t step = std::max(align, rows_at_once / align * align);
  for (std::int64_t y = 0; y < info.extent.height; y += step) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, "Stopped while a picture was read.");
    }
    Tile tile = Tile::allocate(Rect::of_rows({y, std::min(y + step, info.extent.height)}, info.extent.width),
                               info.format);
    source.read_rows(tile);
    take(tile);
  }
}

/// Means of squares of `by` pixels; those at the right and lower edge may be smaller.
cv::Mat reduced(const cv::Mat& from, int by) {
  if (by == 1) {
    return from;
  }
  const cv::Size size((from.cols + by - 1) / by, (from.rows + by - 1) / by);
  const int right = size.width * by - from.cols;
  const int below = size.height * by - from.rows;
  cv::Mat whole = from;
  if (right > 0 || below > 0) {
    cv::copyMakeBorder(from, whole, 0, below, 0, right, cv::BORDER_REPLICATE);
  }
  cv::Mat to;
  cv::resize(whole, to, size, 0, 0, cv::INTER_AREA);
  return to;
}

cv::Mat in_8_bits(const cv::Mat& from) {
  cv::Mat to = from;
  if (from.depth() == CV_16U) {
    from.convertTo(to, CV_8U, 1.0 / 257);
  }
  return to;
}

QImage::Format format_of(const PixelFormat& format) {
  return format.alpha           ? QImage::Format_RGBA8888
         : format.channels == 1 ? QImage::Format_Grayscale8
                                : QImage::Format_RGB888;
}

/// A header over rows of the image, for OpenCV to write to.
cv::Mat rows_of(QImage& image, int first, int count) {
  const int channels = image.depth() / 8;
  return {count, image.width(), CV_8UC(channels), image.scanLine(first),
          static_cast<std::size_t>(image.bytesPerLine())};
}

void place_rows(const Tile& tile, int reduced_by, QImage& image) {
  const cv::Mat color = in_8_bits(reduced(tile.color, reduced_by));
  const int first = static_cast<int>(tile.rect.y / reduced_by);
  cv::Mat target = rows_of(image, first, color.rows);
  if (tile.alpha.empty()) {
    color.copyTo(target);
    return;
  }
  const cv::Mat alpha = in_8_bits(reduced(tile.alpha, reduced_by));
  const std::vector<cv::Mat> from{color, alpha};
  const std::vector<int> pairs = color.channels() == 1 ? std::vector<int>{0, 0, 0, 1, 0, 2, 1, 3}
                                                       : std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3};
  std::vector<cv::Mat> to{target};
  cv::mixChannels(from, to, pairs);
}

QImage blank_image(const Extent& extent, int reduced_by, QImage::Format format) {
  QImage image(static_cast<int>((extent.width + reduced_by - 1) / reduced_by),
               static_cast<int>((extent.height + reduced_by - 1) / reduced_by), format);
  if (image.isNull()) {
    throw Error(ErrorCode::limit_exceeded, "There is not enough memory to show the picture.");
  }
  return image;
}

/// The colour plane as 16-bit samples with `channels` channels.
cv::Mat comparable(const Tile& tile, int channels) {
  cv::Mat wide;
  tile.color.convertTo(wide, CV_16U, tile.color.depth() == CV_8U ? 257 : 1);
  if (wide.channels() < channels) {
    cv::cvtColor(wide, wide, cv::COLOR_GRAY2RGB);
  }
  return wide;
}

/// The largest of each pixel's channels.
cv::Mat largest_channel(const cv::Mat& from) {
  if (from.channels() == 1) {
    return from;
  }
  std::vector<cv::Mat> planes;
  cv::split(from, planes);
  cv::Mat largest = planes[0];
  for (std::size_t i = 1; i < planes.size(); ++i) {
    cv::max(largest, planes[i], largest);
  }
  return largest;
}

}  // namespace

ShownImage load_image(const QString& file, std::int64_t max_pixels, const std::stop_token& stop) {
  const auto source = open_image(to_path(file));
  const ImageInfo& info = source->info();
  ShownImage loaded;
  loaded.full_size = {static_cast<int>(info.extent.width), static_cast<int>(info.extent.height)};
  loaded.reduced_by = reduction_for(info.extent, max_pixels);
  loaded.image = blank_image(info.extent, loaded.reduced_by, format_of(info.format));
  read_strips(*source, loaded.reduced_by, stop,
              [&](const Tile& tile) { place_rows(tile, loaded.reduced_by, loaded.image); });
  return loaded;
}

QImage load_thumbnail(const QString& file, QSize size, const std::stop_token& stop) {
  // Twice as fine as what is shown, so that the last step can be smooth.
  const std::int64_t pixels = std::int64_t{4} * size.width() * size.height();
  const QImage image = load_image(file, pixels * 4, stop).image;
  return image.scaled(size, Qt::KeepAspectRatio, Qt::SmoothTransformation);
}

std::optional<DifferenceMap> difference_map(const QString& before, const QString& after,
                                            std::int64_t max_pixels, const std::stop_token& stop) {
  const auto first = open_image(to_path(before));
  const auto second = open_image(to_path(after));
  const Extent extent = first->info().extent;
  if (extent != second->info().extent) {
    return std::nullopt;
  }
  const int by = reduction_for(extent, max_pixels);
  const int channels = std::max(first->info().format.channels, second->info().format.channels);
  cv::Mat largest(static_cast<int>((extent.height + by - 1) / by),
                  static_cast<int>((extent.width + by - 1) / by), CV_16UC1);
  DifferenceMap map;
  map.pixels = extent.pixels();
  double sum = 0;
  read_strips(*first, by, stop, [&](const Tile& tile) {
    Tile other = Tile::allocate(tile.rect, second->info().format);
    second->read_rows(other);
    cv::Mat difference;
    cv::absdiff(comparable(tile, channels), comparable(other, channels), difference);
    difference = largest_channel(difference);
    map.pixels_that_differ += cv::countNonZero(difference);
    sum += cv::sum(difference)[0];
    // The largest of each square: a single pixel that differs must be seen.
    if (by > 1) {
      cv::dilate(difference, difference, cv::Mat::ones(by, by, CV_8U), cv::Point(0, 0));
    }
    const int top = static_cast<int>(tile.rect.y / by);
    for (int y = 0; y < difference.rows; y += by) {
      for (int x = 0; x < difference.cols; x += by) {
        largest.at<std::uint16_t>(top + y / by, x / by) = difference.at<std::uint16_t>(y, x);
      }
    }
  });
  double max = 0;
  cv::minMaxLoc(largest, nullptr, &max);
  map.largest = max / 257;
  map.mean = sum / static_cast<double>(map.pixels) / 257;
  map.heat = blank_image(extent, by, QImage::Format_RGB888);
  cv::Mat levels;
  largest.convertTo(levels, CV_8U, max > 0 ? 255 / max : 0);
  cv::Mat colors;
  cv::applyColorMap(levels, colors, cv::COLORMAP_INFERNO);
  cv::Mat target = rows_of(map.heat, 0, map.heat.height());
  cv::cvtColor(colors, target, cv::COLOR_BGR2RGB);
  return map;
}

}  // namespace tessera::desktop
