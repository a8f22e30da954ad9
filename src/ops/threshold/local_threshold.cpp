// SPDX-License-Identifier: Apache-2.0
#include "ops/threshold/local_threshold.hpp"

#include <cmath>

namespace tessera {

int LocalThreshold::offset(const cv::Mat& in) const {
  const PixelFormat format{.depth = in.depth() == CV_8U ? Depth::u8 : Depth::u16};
  return static_cast<int>(std::ceil(c_level * format.level_scale()));
}

}  // namespace tessera
