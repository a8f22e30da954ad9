// SPDX-License-Identifier: Apache-2.0
#include "ops/alpha/fill.hpp"

#include <algorithm>
#include <vector>

#include "base/stop.hpp"
#include "ops/samples.hpp"

namespace tessera {
namespace {

/// Sums over a window that moves over a tile: alpha times colour for each channel, and alpha. Exact: the
/// largest, over a whole row of a million 16-bit pixels and a window of 800 rows, is below 2^62.
template <class T, int channels>
class WindowSums {
  static constexpr int sums = channels + 1;

 public:
  WindowSums(const cv::Mat& color, const cv::Mat& alpha, const Halo& window)
      : color_(color),
        alpha_(alpha),
        window_(window),
        columns_(static_cast<std::size_t>(color.cols) * sums, 0),
        running_(static_cast<std::size_t>(color.cols + 1) * sums, 0) {
    for (int y = 0; y < static_cast<int>(window.top + window.bottom); ++y) {
      add_row(y, false);
    }
  }

  /// Rows must be taken one after the other, from window.top on.
  void fill_row(int y, cv::Mat& out) {
    add_row(y + static_cast<int>(window_.bottom), false);
    fill(y, out);
    add_row(y - static_cast<int>(window_.top), true);
  }

 private:
  void add_row(int y, bool leaving) {
    const T* color = color_.ptr<T>(y);
    const T* alpha = alpha_.ptr<T>(y);
    for (int x = 0; x < color_.cols; ++x) {
      std::uint64_t* to = columns_.data() + static_cast<std::size_t>(x) * sums;
      const std::uint64_t weight = alpha[x];
      for (int c = 0; c < channels; ++c) {
        const std::uint64_t term = weight * color[x * channels + c];
        to[c] = leaving ? to[c] - term : to[c] + term;
      }
      to[channels] = leaving ? to[channels] - weight : to[channels] + weight;
    }
  }

  void fill(int y, cv::Mat& out) {
    const T* alpha = alpha_.ptr<T>(y);
    const int begin = static_cast<int>(window_.left);
    const int end = color_.cols - static_cast<int>(window_.right);
    if (std::find(alpha + begin, alpha + end, T{0}) == alpha + end) {
      return;
    }
    for (int x = 0; x < color_.cols; ++x) {
      for (int i = 0; i < sums; ++i) {
        running_[static_cast<std::size_t>(x + 1) * sums + i] =
            running_[static_cast<std::size_t>(x) * sums + i] +
            columns_[static_cast<std::size_t>(x) * sums + i];
      }
    }
    T* to = out.ptr<T>(y);
    for (int x = begin; x < end; ++x) {
      if (alpha[x] != 0) {
        continue;
      }
      const auto first = static_cast<std::size_t>(x - window_.left) * sums;
      const auto behind = static_cast<std::size_t>(x + window_.right + 1) * sums;
      const std::uint64_t weight = running_[behind + channels] - running_[first + channels];
      for (int c = 0; c < channels; ++c) {
        const std::uint64_t sum = running_[behind + c] - running_[first + c];
        to[x * channels + c] = weight == 0 ? T{0} : static_cast<T>((sum + weight / 2) / weight);
      }
    }
  }

  const cv::Mat& color_;
  const cv::Mat& alpha_;
  Halo window_;
  std::vector<std::uint64_t> columns_;  ///< of each column, over the window's rows
  std::vector<std::uint64_t> running_;  ///< of all columns to the left
};

template <class T, int channels>
void fill_from_surroundings(const cv::Mat& in, const cv::Mat& alpha, const Halo& window, cv::Mat& out,
                            const std::stop_token& stop) {
  WindowSums<T, channels> sums(in, alpha, window);
  for (int y = static_cast<int>(window.top); y < in.rows - static_cast<int>(window.bottom); ++y) {
    throw_if_stopped(stop);
    sums.fill_row(y, out);
  }
}

template <class T>
void paint_transparent(cv::Mat& color, const cv::Mat& alpha, const cv::Vec<std::uint16_t, 3>& levels) {
  const int channels = color.channels();
  for (int y = 0; y < color.rows; ++y) {
    const T* weight = alpha.ptr<T>(y);
    T* pixel = color.ptr<T>(y);
    for (int x = 0; x < color.cols; ++x, pixel += channels) {
      for (int c = 0; c < channels && weight[x] == 0; ++c) {
        pixel[c] = static_cast<T>(levels[c]);
      }
    }
  }
}

template <class T>
void add_visible(const cv::Mat& tile, const cv::Mat* alpha, std::span<std::uint64_t> slots) {
  const int channels = tile.channels();
  for (int y = 0; y < tile.rows; ++y) {
    const T* pixel = tile.ptr<T>(y);
    const T* weight = alpha != nullptr ? alpha->ptr<T>(y) : nullptr;
    for (int x = 0; x < tile.cols; ++x, pixel += channels) {
      if (weight != nullptr && weight[x] == 0) {
        continue;
      }
      for (int c = 0; c < channels; ++c) {
        slots[static_cast<std::size_t>(c)] += pixel[c];
      }
      ++slots[static_cast<std::size_t>(channels)];
    }
  }
}

}  // namespace

void FillTransparent::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  in.copyTo(out);
  if (region.transparency == nullptr) {
    return;
  }
  // The halo of this call may be wider than halo().
  const Rect looked_at = halo_.grow(region.out);
  const cv::Rect part(static_cast<int>(looked_at.x - region.in.x),
                      static_cast<int>(looked_at.y - region.in.y), static_cast<int>(looked_at.width),
                      static_cast<int>(looked_at.height));
  const cv::Mat color = in(part);
  const cv::Mat alpha = (*region.transparency)(part);
  cv::Mat result = out(part);
  for_samples(in.type(), [&](auto sample, auto colors) {
    fill_from_surroundings<decltype(sample), decltype(colors)::value>(color, alpha, halo_, result,
                                                                      region.stop);
  });
}

void FillWithColor::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.data != out.data) {
    in.copyTo(out);
  }
  if (region.transparency != nullptr) {
    in.depth() == CV_8U ? paint_transparent<std::uint8_t>(out, *region.transparency, levels)
                        : paint_transparent<std::uint16_t>(out, *region.transparency, levels);
  }
}

void ClearTransparent::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  FillWithColor{{0, 0, 0}}.run(in, out, region);
}

void FillWithMean::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  tile.depth() == CV_8U ? add_visible<std::uint8_t>(tile, region.transparency, slots)
                        : add_visible<std::uint16_t>(tile, region.transparency, slots);
}

FillWithColor FillWithMean::finish(std::span<const std::uint64_t> sums, const ImageInfo& image) const {
  FillWithColor result{{0, 0, 0}};
  const int channels = image.format.channels;
  const std::uint64_t count = sums[static_cast<std::size_t>(channels)];
  for (int c = 0; c < channels && count > 0; ++c) {
    result.levels[c] = static_cast<std::uint16_t>((sums[static_cast<std::size_t>(c)] + count / 2) / count);
  }
  return result;
}

}  // namespace tessera
