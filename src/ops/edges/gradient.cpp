// SPDX-License-Identifier: Apache-2.0
#include "ops/edges/gradient.hpp"

#include <cmath>
#include <opencv2/core.hpp>

namespace tessera {
namespace {

/// Real is wide enough to tell sqrt(n^2 + n) from n + 1/2 for every n that is not saturated.
template <class In, class Real, class Out>
void length(const cv::Mat& gx, const cv::Mat& gy, cv::Mat& out) {
  const int count = gx.cols * gx.channels();
  for (int y = 0; y < gx.rows; ++y) {
    const In* dx = gx.ptr<In>(y);
    const In* dy = gy.ptr<In>(y);
    Out* target = out.ptr<Out>(y);
    for (int i = 0; i < count; ++i) {
      const auto a = static_cast<Real>(dx[i]);
      const auto b = static_cast<Real>(dy[i]);
      target[i] = cv::saturate_cast<Out>(std::sqrt(a * a + b * b));
    }
  }
}

template <class In, class Out>
void magnitude(const cv::Mat& derivative, cv::Mat& out) {
  const int count = derivative.cols * derivative.channels();
  for (int y = 0; y < derivative.rows; ++y) {
    const In* from = derivative.ptr<In>(y);
    Out* target = out.ptr<Out>(y);
    for (int i = 0; i < count; ++i) {
      target[i] = cv::saturate_cast<Out>(std::abs(from[i]));
    }
  }
}

}  // namespace

void store_gradient(const cv::Mat& gx, const cv::Mat& gy, Direction direction, cv::Mat& out) {
  const bool narrow = (direction == Direction::y ? gy : gx).depth() == CV_16S;
  if (direction != Direction::both) {
    const cv::Mat& one = direction == Direction::x ? gx : gy;
    if (out.depth() == CV_16U) {
      magnitude<double, std::uint16_t>(one, out);
    } else if (narrow) {
      magnitude<short, std::uint8_t>(one, out);
    } else {
      magnitude<float, std::uint8_t>(one, out);
    }
  } else if (out.depth() == CV_16U) {
    length<double, double, std::uint16_t>(gx, gy, out);
  } else if (narrow) {
    length<short, float, std::uint8_t>(gx, gy, out);
  } else {
    length<float, float, std::uint8_t>(gx, gy, out);
  }
}

}  // namespace tessera
