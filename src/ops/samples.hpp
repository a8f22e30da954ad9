// SPDX-License-Identifier: Apache-2.0
// From the type of a matrix to code for its samples.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <type_traits>

namespace tessera {

/// Returns use(T{}, std::integral_constant<int, colors>{}), T being std::uint8_t or std::uint16_t, and colors
/// 1 or 3, for what a colour plane of that OpenCV type has.
template <class Use>
auto for_samples(int type, const Use& use) {
  const bool gray = CV_MAT_CN(type) == 1;
  using One = std::integral_constant<int, 1>;
  using Three = std::integral_constant<int, 3>;
  if (CV_MAT_DEPTH(type) == CV_8U) {
    return gray ? use(std::uint8_t{}, One{}) : use(std::uint8_t{}, Three{});
  }
  return gray ? use(std::uint16_t{}, One{}) : use(std::uint16_t{}, Three{});
}

}  // namespace tessera
