// SPDX-License-Identifier: Apache-2.0
#include "ops/edges/canny_edges.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <type_traits>

#include "ops/band_strips.hpp"
#include "ops/regions/components.hpp"

namespace tessera {
namespace {

constexpr std::uint8_t weak = 1;
constexpr std::uint8_t strong = 2;

struct Thresholds {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// As cv::Canny turns its thresholds into integers.
Thresholds integer_thresholds(const CannySettings& settings, double level_scale) {
  double low = std::min(settings.low, settings.high) * level_scale;
  double high = std::max(settings.low, settings.high) * level_scale;
  if (settings.aperture == 7) {
    low /= 16;
    high /= 16;
  }
  if (settings.l2_gradient) {
    const double largest = 32767.0 * level_scale;
    low = std::min(largest, low);
    high = std::min(largest, high);
    low *= low;
    high *= high;
  }
  return {static_cast<std::int64_t>(std::floor(low)), static_cast<std::int64_t>(std::floor(high))};
}

/// Horizontal and vertical derivative; CV_16S of 8-bit pixels, CV_32S of 16-bit ones, whose sums do not fit
/// the mantissa of a float.
void gradients(const cv::Mat& in, int aperture, cv::Mat& dx, cv::Mat& dy) {
  const double scale = aperture == 7 ? 1 / 16.0 : 1;
  if (in.depth() == CV_8U) {
    cv::Sobel(in, dx, CV_16S, 1, 0, aperture, scale, 0, cv::BORDER_REPLICATE);
    cv::Sobel(in, dy, CV_16S, 0, 1, aperture, scale, 0, cv::BORDER_REPLICATE);
    return;
  }
  cv::Mat exact;
  cv::Sobel(in, exact, CV_64F, 1, 0, aperture, scale, 0, cv::BORDER_REPLICATE);
  exact.convertTo(dx, CV_32S);
  cv::Sobel(in, exact, CV_64F, 0, 1, aperture, scale, 0, cv::BORDER_REPLICATE);
  exact.convertTo(dy, CV_32S);
}

/// Gradient: short or int; Wide holds magnitudes and 15-bit fixed-point products of gradients.
template <class Gradient, class Wide>
class StripClassifier {
 public:
  /// `input` are the strip's rows grown by 1 + aperture / 2 pixels on all sides. `rows` and `image_rows` say
  /// which rows of the image these are.
  StripClassifier(const cv::Mat& input, const Interval& rows, std::int64_t image_rows,
                  const CannySettings& settings)
      : width_(input.cols - 2 * (1 + settings.aperture / 2)), skip_(settings.aperture / 2) {
    gradients(input, settings.aperture, dx_, dy_);
    const auto height = static_cast<std::size_t>(rows.size() + 2);
    magnitude_.assign(height * stride(), 0);
    for (std::size_t i = 0; i < height; ++i) {
      const std::int64_t y = rows.begin - 1 + static_cast<std::int64_t>(i);
      // Outside the image no magnitude stands in the way of an edge.
      if (y >= 0 && y < image_rows) {
        fill_magnitude(static_cast<int>(i), settings.l2_gradient);
      }
    }
  }

  /// Row `y` of the strip: 0, weak or strong.
  template <class Pixel>
  void classify(int y, const Thresholds& thresholds, Pixel* classes) const {
    constexpr int shift = 15;
    constexpr Wide tangent_22 = 13573;  // tan(22.5 degrees) * 2^15
    const auto low = static_cast<Wide>(thresholds.low);
    const auto high = static_cast<Wide>(thresholds.high);
    const Gradient* dx = gradient_row(dx_, y + 1);
    const Gradient* dy = gradient_row(dy_, y + 1);
    const Wide* above = magnitude_.data() + static_cast<std::size_t>(y) * stride() + 1;
    const Wide* here = above + stride();
    const Wide* below = here + stride();
    for (int x = 0; x < width_; ++x) {
      classes[x] = 0;
      const Wide m = here[x];
      if (m <= low) {
        continue;
      }
      const Wide ax = std::abs(static_cast<Wide>(dx[x]));
      const Wide ay = std::abs(static_cast<Wide>(dy[x])) << shift;
      const Wide at_22 = ax * tangent_22;
      bool ridge = false;
      if (ay < at_22) {
        ridge = m > here[x - 1] && m >= here[x + 1];
      } else if (ay > at_22 + (ax << (shift + 1))) {
        ridge = m > above[x] && m >= below[x];
      } else {
        const int side = (dx[x] ^ dy[x]) < 0 ? -1 : 1;
        ridge = m > above[x - side] && m > below[x + side];
      }
      if (ridge) {
        classes[x] = m > high ? strong : weak;
      }
    }
  }

 private:
  [[nodiscard]] std::size_t stride() const { return static_cast<std::size_t>(width_) + 2; }
  /// Row `i` counts from one above the strip; the first element is column 0 of the image.
  [[nodiscard]] const Gradient* gradient_row(const cv::Mat& gradient, int i) const {
    return gradient.ptr<Gradient>(i + skip_) + skip_ + 1;
  }
  void fill_magnitude(int i, bool l2_gradient) {
    const Gradient* dx = gradient_row(dx_, i);
    const Gradient* dy = gradient_row(dy_, i);
    Wide* to = magnitude_.data() + static_cast<std::size_t>(i) * stride() + 1;
    if (l2_gradient) {
      for (int x = 0; x < width_; ++x) {
        to[x] = static_cast<Wide>(dx[x]) * dx[x] + static_cast<Wide>(dy[x]) * dy[x];
      }
    } else {
      for (int x = 0; x < width_; ++x) {
        to[x] = std::abs(static_cast<Wide>(dx[x])) + std::abs(static_cast<Wide>(dy[x]));
      }
    }
  }

  int width_;
  int skip_;  ///< rows and columns at the edge of the gradients that miss neighbours
  cv::Mat dx_;
  cv::Mat dy_;
  std::vector<Wide> magnitude_;
};

template <class Gradient, class Wide, class Pixel>
void classify_strip(const cv::Mat& in, cv::Mat& out, const Region& region, const CannySettings& settings) {
  const int reach = canny_reach(settings);
  const Thresholds thresholds = integer_thresholds(settings, region.image.format.level_scale());
  // A few rows at a time: their gradients and magnitudes stay in the second-level cache.
  constexpr int rows_at_once = 32;
  const int height = in.rows - 2 * reach;
  for (int top = 0; top < height; top += rows_at_once) {
    const int count = std::min(rows_at_once, height - top);
    const std::int64_t first = region.in.y + reach + top;
    const cv::Mat part = standalone(in, cv::Rect(0, top, in.cols, count + 2 * reach));
    const StripClassifier<Gradient, Wide> classifier(part, {first, first + count}, region.image.extent.height,
                                                     settings);
    for (int y = 0; y < count; ++y) {
      classifier.classify(y, thresholds, out.ptr<Pixel>(reach + top + y) + reach);
    }
  }
}

/// For each run of pixels, whether its component has a strong one, on whatever rank.
std::vector<std::uint8_t> strong_runs(Frame& frame, const cv::Mat& classes,
                                      const BandComponents& components) {
  std::vector<std::uint8_t> kept(components.runs.size(), 0);
  for_each_strip(frame, classes.rows, [&](std::int64_t, const Interval& rows) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const std::uint8_t* row = classes.ptr(static_cast<int>(y));
      const auto at = static_cast<std::size_t>(y);
      for (std::uint32_t i = components.row_begin[at]; i < components.row_begin[at + 1]; ++i) {
        const auto [begin, end] = components.runs[i];
        kept[i] = std::memchr(row + begin, strong, static_cast<std::size_t>(end - begin)) != nullptr ? 1 : 0;
      }
    }
  });
  for (std::size_t i = 0; i < kept.size(); ++i) {
    kept[components.root[i]] |= kept[i];
  }
  std::vector<std::uint64_t> dropped;
  dropped.reserve(components.on_edge.size());
  for (const std::uint32_t root : components.on_edge) {
    dropped.push_back(kept[root] != 0 ? 0 : 1);
  }
  dropped = minimum_over_bands(frame, components, dropped, Connectivity::eight);
  for (std::size_t i = 0; i < dropped.size(); ++i) {
    kept[components.on_edge[i]] = dropped[i] == 0 ? 1 : 0;
  }
  return kept;
}

template <class Pixel>
void paint_kept(Frame& frame, const BandComponents& components, const std::vector<std::uint8_t>& kept,
                cv::Mat& edges) {
  for_each_strip(frame, edges.rows, [&](std::int64_t, const Interval& rows) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      auto* row = edges.ptr<Pixel>(static_cast<int>(y));
      std::fill_n(row, edges.cols, Pixel{0});
      const auto at = static_cast<std::size_t>(y);
      for (std::uint32_t i = components.row_begin[at]; i < components.row_begin[at + 1]; ++i) {
        if (kept[components.root[i]] != 0) {
          const auto [begin, end] = components.runs[i];
          std::fill(row + begin, row + end, std::numeric_limits<Pixel>::max());
        }
      }
    }
  });
}

}  // namespace

void classify_edges(const cv::Mat& in, cv::Mat& out, const Region& region, const CannySettings& settings) {
  if (in.depth() == CV_16U) {
    classify_strip<std::int32_t, std::int64_t, std::uint16_t>(in, out, region, settings);
  } else {
    classify_strip<std::int16_t, std::int32_t, std::uint8_t>(in, out, region, settings);
  }
}

void link_edges(Frame& frame, const cv::Mat& classes, cv::Mat& edges) {
  const BandComponents components = find_components(frame, classes, Connectivity::eight);
  const std::vector<std::uint8_t> kept = strong_runs(frame, classes, components);
  if (edges.depth() == CV_16U) {
    paint_kept<std::uint16_t>(frame, components, kept, edges);
  } else {
    paint_kept<std::uint8_t>(frame, components, kept, edges);
  }
}

cv::Mat canny_edges(Frame& frame, const Tile& gray, const CannySettings& settings) {
  const Interval own = frame.rows(frame.rank());
  const Extent& extent = frame.image().extent;
  const int reach = canny_reach(settings);
  const Tile grown = frame.with_halo({gray.rect, gray.color, {}}, Halo::all(reach), Border::replicate, 0);
  cv::Mat edges(static_cast<int>(own.size()), static_cast<int>(extent.width), CV_8UC1);
  cv::Mat classes(edges.size(), CV_8UC1);
  for_each_strip(frame, edges.rows, [&](std::int64_t, const Interval& strip) {
    const Rect kept = Rect::of_rows({own.begin + strip.begin, own.begin + strip.end}, extent.width);
    const Rect read = Halo::all(reach).grow(kept);
    const cv::Mat in = standalone(grown.color, cv::Rect(0, static_cast<int>(strip.begin), grown.color.cols,
                                                        static_cast<int>(read.height)));
    cv::Mat out(in.size(), in.type());
    classify_edges(in, out, Region{frame.image(), read, kept, false, nullptr}, settings);
    cv::Mat part = classes.rowRange(static_cast<int>(strip.begin), static_cast<int>(strip.end));
    out(cv::Rect(reach, reach, part.cols, part.rows)).convertTo(part, CV_8U);
    if (!gray.alpha.empty()) {
      const cv::Mat alpha = gray.alpha.rowRange(static_cast<int>(strip.begin), static_cast<int>(strip.end));
      part.setTo(0, alpha == 0);
    }
  });
  link_edges(frame, classes, edges);
  return edges;
}

}  // namespace tessera
