// SPDX-License-Identifier: Apache-2.0
#include "difference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <utility>

namespace tessera::cli {
namespace {

constexpr std::int64_t rows_at_once = 64;

struct Sums {
  int max = 0;
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;  ///< of one row: those of a whole 16-bit image might not fit
};

/// Adds |a - b| of one plane's row to the sums of its channels, and marks the pixels that differ.
template <class Sample>
void compare_row(const Sample* a, const Sample* b, int channels, std::vector<std::uint8_t>& differs,
                 Sums* sums) {
  for (std::uint8_t& differ : differs) {
    for (int c = 0; c < channels; ++c, ++a, ++b) {
      const int delta = std::abs(static_cast<int>(*a) - static_cast<int>(*b));
      if (delta != 0) {
        differ = 1;
        sums[c].max = std::max(sums[c].max, delta);
        sums[c].sum += static_cast<std::uint64_t>(delta);
        sums[c].squares += static_cast<std::uint64_t>(delta) * static_cast<std::uint64_t>(delta);
      }
    }
  }
}

void compare_plane_row(const cv::Mat& a, const cv::Mat& b, int row, std::vector<std::uint8_t>& differs,
                       Sums* sums) {
  if (a.empty()) {
    return;
  }
  if (a.depth() == CV_8U) {
    compare_row(a.ptr<std::uint8_t>(row), b.ptr<std::uint8_t>(row), a.channels(), differs, sums);
  } else {
    compare_row(a.ptr<std::uint16_t>(row), b.ptr<std::uint16_t>(row), a.channels(), differs, sums);
  }
}

void draw(const Tile& a, const Tile& b, double amplify, Sink& picture) {
  Tile out = a;
  cv::absdiff(a.color, b.color, out.color = cv::Mat());
  out.color.convertTo(out.color, -1, amplify);
  if (!a.alpha.empty()) {
    out.alpha = cv::Mat(a.alpha.size(), a.alpha.type(), cv::Scalar(a.alpha.depth() == CV_8U ? 255 : 65535));
  }
  picture.append(picture.encode(out));
}

}  // namespace

double Difference::psnr_db() const {
  const double samples = static_cast<double>(first.extent.pixels()) * static_cast<double>(channels.size());
  const double peak = first.format.max_value();
  return squared_sum == 0 ? std::numeric_limits<double>::infinity()
                          : 10 * std::log10(peak * peak * samples / squared_sum);
}

Difference find_difference(Source& first, Source& second, Sink* picture, double amplify) {
  Difference result;
  result.first = first.info();
  result.second = second.info();
  if (!result.comparable()) {
    return result;
  }
  const ImageInfo& info = result.first;
  const auto colors = static_cast<std::size_t>(info.format.channels);
  std::vector<Sums> sums(colors + (info.format.alpha ? 1 : 0));
  const std::int64_t step = picture != nullptr ? picture->piece_rows() : rows_at_once;
  for (std::int64_t y = 0; y < info.extent.height; y += step) {
    const Interval rows{y, std::min(y + step, info.extent.height)};
    Tile a = Tile::allocate(Rect::of_rows(rows, info.extent.width), info.format);
    Tile b = Tile::allocate(a.rect, info.format);
    first.read_rows(a);
    second.read_rows(b);
    for (std::int64_t row = 0; row < rows.size(); ++row) {
      std::vector<std::uint8_t> differs(static_cast<std::size_t>(info.extent.width));
      compare_plane_row(a.color, b.color, static_cast<int>(row), differs, sums.data());
      compare_plane_row(a.alpha, b.alpha, static_cast<int>(row), differs, sums.data() + colors);
      for (Sums& channel : sums) {
        result.squared_sum += static_cast<double>(std::exchange(channel.squares, 0));
      }
      const auto count = std::count(differs.begin(), differs.end(), 1);
      if (count > 0 && result.pixels == 0) {
        result.first_x = std::find(differs.begin(), differs.end(), 1) - differs.begin();
        result.first_y = y + row;
      }
      result.pixels += count;
    }
    if (picture != nullptr) {
      draw(a, b, amplify, *picture);
    }
  }
  if (picture != nullptr) {
    picture->finish();
  }
  for (const Sums& channel : sums) {
    result.channels.push_back(
        {channel.max, static_cast<double>(channel.sum) / static_cast<double>(info.extent.pixels())});
  }
  return result;
}

}  // namespace tessera::cli
