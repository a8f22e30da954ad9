// SPDX-License-Identifier: Apache-2.0
// What the adaptive thresholds share: every pixel is compared with an average of the block around it.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct LocalThreshold : Bordered {
  int block_size_px = 11;
  double c_level = 2;

  [[nodiscard]] int radius_px() const { return block_size_px / 2; }
  [[nodiscard]] Halo halo() const { return Halo::all(radius_px()); }
  /// A pixel is white if it is greater than the average minus this; in the levels of the depth of `in`.
  [[nodiscard]] int offset(const cv::Mat& in) const;
};

template <class Op>
constexpr auto local_threshold_params() {
  return std::tuple_cat(
      std::tuple{
          Param<Op, int>{
              "block-size",
              &Op::block_size_px,
              "Width and height of the block that is averaged.",
              {.min = 3, .max = 1001, .slider_min = 3, .slider_max = 101, .unit = "px", .odd = true}},
          Param<Op, double>{"c",
                            &Op::c_level,
                            "How much darker than the average a pixel may be and still turn white.",
                            {.min = -255, .max = 255, .slider_min = -20, .slider_max = 20, .unit = "level"}}},
      border_params<Op>());
}

}  // namespace tessera
