// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/bilateral_8bit.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/stop.hpp"
#include "ops/blur/bilateral.hpp"
#include "ops/blur/bilateral_disc.hpp"

namespace tessera {
namespace {

/// In single precision, as OpenCV has them.
struct Weights {
  struct Tap {
    int dy;
    int dx;
    float weight;
  };
  std::vector<Tap> taps;         ///< the disc, row by row
  std::vector<float> closeness;  ///< by the sum over channels of absolute differences
};

Weights make_weights(const Bilateral& op, int channels) {
  Weights result;
  const double by_place = -0.5 / (op.sigma_space * op.sigma_space);
  for (const auto& [dy, dx, squared] : disc(op.radius)) {
    const double distance = std::sqrt(static_cast<double>(squared));
    result.taps.push_back({dy, dx, static_cast<float>(std::exp(distance * distance * by_place))});
  }
  const double by_color = -0.5 / (op.sigma_color * op.sigma_color);
  for (int difference = 0; difference < 256 * channels; ++difference) {
    result.closeness.push_back(static_cast<float>(std::exp(difference * difference * by_color)));
  }
  return result;
}

template <int channels>
void filter(const cv::Mat& in, cv::Mat& out, const Bilateral& op, const std::stop_token& stop) {
  const Weights weights = make_weights(op, channels);
  for (int y = op.radius; y < in.rows - op.radius; ++y) {
    throw_if_stopped(stop);
    for (int x = op.radius; x < in.cols - op.radius; ++x) {
      const std::uint8_t* middle = in.ptr(y, x);
      std::array<float, channels> sums{};
      float total = 0;
      for (const Weights::Tap& tap : weights.taps) {
        const std::uint8_t* pixel = in.ptr(y + tap.dy, x + tap.dx);
        int difference = 0;
        for (int c = 0; c < channels; ++c) {
          difference += std::abs(pixel[c] - middle[c]);
        }
        const float weight = tap.weight * weights.closeness[static_cast<std::size_t>(difference)];
        total += weight;
        for (std::size_t c = 0; c < channels; ++c) {
          sums[c] = std::fma(static_cast<float>(pixel[c]), weight, sums[c]);
        }
      }
      std::uint8_t* target = out.ptr(y, x);
      for (const float sum : sums) {
        *target++ = cv::saturate_cast<std::uint8_t>(channels == 1 ? sum / total : sum * (1 / total));
      }
    }
  }
}

}  // namespace

void bilateral_8bit(const cv::Mat& in, cv::Mat& out, const Bilateral& op, const std::stop_token& stop) {
  if (in.channels() == 1) {
    filter<1>(in, out, op, stop);
  } else {
    filter<3>(in, out, op, stop);
  }
}

}  // namespace tessera
