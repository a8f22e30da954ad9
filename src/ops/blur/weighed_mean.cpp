// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/weighed_mean.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <opencv2/core.hpp>
#include <vector>

#include "base/stop.hpp"
#include "ops/alpha/opaque.hpp"
#include "ops/samples.hpp"

namespace tessera {
namespace {

/// region.out in the coordinates of a matrix that covers region.in.
cv::Rect kept_part(const Region& region) {
  return {static_cast<int>(region.out.x - region.in.x), static_cast<int>(region.out.y - region.in.y),
          static_cast<int>(region.out.width), static_cast<int>(region.out.height)};
}

template <class T, int colors>
class SquareMean {
  static constexpr int sums = colors + 1;
  static constexpr double full = std::numeric_limits<T>::max();

 public:
  SquareMean(const cv::Mat& in, const cv::Mat& alpha, std::span<const double> weights)
      : in_(in),
        alpha_(alpha),
        weights_(weights),
        radius_(static_cast<int>(weights.size() / 2)),
        opaque_column_(full * std::accumulate(weights.begin(), weights.end(), 0.0)),
        columns_(static_cast<std::size_t>(in.cols) * sums),
        see_through_(static_cast<std::size_t>(in.cols) + 1) {
    for (int y = 0; y < in.rows; ++y) {
      opaque_rows_.push_back(is_opaque(alpha.row(y)) ? 1 : 0);
    }
  }

  void run_row(int y, int begin, int end, cv::Mat& out) {
    const auto first = opaque_rows_.begin() + (y - radius_);
    if (std::all_of(first, first + (2 * radius_ + 1), [](char opaque) { return opaque != 0; })) {
      return;
    }
    sum_columns(y);
    const T* visible = alpha_.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = begin; x < end; ++x) {
      if (visible[x] != 0 && see_through_[x + radius_ + 1] != see_through_[x - radius_]) {
        sum_across(x, to + x * colors);
      }
    }
  }

 private:
  void sum_columns(int y) {
    std::fill(columns_.begin(), columns_.end(), 0.0);
    for (int d = -radius_; d <= radius_; ++d) {
      const double weight = weights_[static_cast<std::size_t>(d + radius_)];
      const T* color = in_.ptr<T>(y + d);
      const T* alpha = alpha_.ptr<T>(y + d);
      double* to = columns_.data();
      for (int x = 0; x < in_.cols; ++x, to += sums) {
        const double weighed = weight * alpha[x];
        for (int c = 0; c < colors; ++c) {
          to[c] += weighed * color[x * colors + c];
        }
        to[colors] += weighed;
      }
    }
    for (int x = 0; x < in_.cols; ++x) {
      const bool opaque = columns_[static_cast<std::size_t>(x) * sums + colors] == opaque_column_;
      see_through_[x + 1] = see_through_[x] + (opaque ? 0 : 1);
    }
  }

  void sum_across(int x, T* to) const {
    double total[sums] = {};
    const double* from = columns_.data() + static_cast<std::ptrdiff_t>(x - radius_) * sums;
    for (const double weight : weights_) {
      for (int i = 0; i < sums; ++i) {
        total[i] += weight * from[i];
      }
      from += sums;
    }
    for (int c = 0; c < colors && total[colors] > 0; ++c) {
      to[c] = cv::saturate_cast<T>(total[c] / total[colors]);
    }
  }

  const cv::Mat& in_;
  const cv::Mat& alpha_;
  std::span<const double> weights_;
  int radius_;
  double opaque_column_;          ///< alpha's sum over an opaque column
  std::vector<double> columns_;   ///< of each column: alpha times colours, and alpha
  std::vector<int> see_through_;  ///< columns to the left that are not opaque
  std::vector<char> opaque_rows_;
};

template <class T, int colors>
void square_mean(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const double> weights) {
  SquareMean<T, colors> mean(in, *region.transparency, weights);
  const cv::Rect kept = kept_part(region);
  for (int y = kept.y; y < kept.y + kept.height; ++y) {
    throw_if_stopped(region.stop);
    mean.run_row(y, kept.x, kept.x + kept.width, out);
  }
}

template <class T, int colors>
void line_mean(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const WindowStep> steps) {
  const cv::Mat& alpha = *region.transparency;
  const cv::Rect kept = kept_part(region);
  const std::uint64_t opaque = std::uint64_t{std::numeric_limits<T>::max()} * steps.size();
  for (int y = kept.y; y < kept.y + kept.height; ++y) {
    throw_if_stopped(region.stop);
    T* to = out.ptr<T>(y) + kept.x * colors;
    for (int x = kept.x; x < kept.x + kept.width; ++x, to += colors) {
      if (alpha.at<T>(y, x) == 0) {
        continue;
      }
      std::uint64_t weight = 0;
      for (const WindowStep& step : steps) {
        weight += alpha.at<T>(y + step.dy, x + step.dx);
      }
      if (weight == opaque || weight == 0) {
        continue;
      }
      std::uint64_t sums[colors] = {};
      for (const WindowStep& step : steps) {
        const std::uint64_t part = alpha.at<T>(y + step.dy, x + step.dx);
        const T* pixel = in.ptr<T>(y + step.dy) + (x + step.dx) * colors;
        for (int c = 0; c < colors; ++c) {
          sums[c] += part * pixel[c];
        }
      }
      for (int c = 0; c < colors; ++c) {
        to[c] = static_cast<T>((sums[c] + weight / 2) / weight);
      }
    }
  }
}

}  // namespace

void weigh_square(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const double> weights) {
  for_samples(in.type(), [&](auto sample, auto colors) {
    square_mean<decltype(sample), decltype(colors)::value>(in, out, region, weights);
  });
}

void weigh_steps(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const WindowStep> steps) {
  for_samples(in.type(), [&](auto sample, auto colors) {
    line_mean<decltype(sample), decltype(colors)::value>(in, out, region, steps);
  });
}

}  // namespace tessera
