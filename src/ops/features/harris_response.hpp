// SPDX-License-Identifier: Apache-2.0
// Harris' corner response, exact under any cut.
#pragma once

#include <bit>
#include <cstdint>
#include <opencv2/core/mat.hpp>

#include "tessera/geometry.hpp"
#include "tessera/pixels.hpp"

namespace tessera {

struct HarrisWindow {
  int block_size = 2;  ///< window of block_size x block_size gradients, from -(block_size / 2) on
  double k = 0.04;
  /// Pixels that a response reads on each side.
  [[nodiscard]] int reach_px() const { return block_size / 2 + 1; }
};

/// Responses (CV_64FC1) of all pixels of `in` (gray or RGB, 8- or 16-bit, standalone) but the outer
/// reach_px() on each side. Gradients (Sobel 3x3) and their products are summed in integers; the response is
/// formed from them in double precision in one fixed order.
[[nodiscard]] cv::Mat harris_response(const cv::Mat& in, const HarrisWindow& window);

/// Bytes that harris_response() takes for an input of that size: luma, two derivatives and the result.
[[nodiscard]] std::int64_t harris_bytes(const ImageInfo& in, const Rect& part);

/// An order-preserving integer for a double that is not NaN; never 0 but for the smallest.
[[nodiscard]] constexpr std::uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}
[[nodiscard]] constexpr double from_ordered_bits(std::uint64_t bits) {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  return std::bit_cast<double>((bits & sign) != 0 ? bits & ~sign : ~bits);
}

}  // namespace tessera
