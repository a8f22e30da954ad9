// SPDX-License-Identifier: Apache-2.0
// BinarizeAt: what the global threshold operators become once their threshold is known.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

/// out = in > threshold ? max : 0, in the image's own levels.
struct BinarizeAt {
  int threshold = 0;

  void run(const cv::Mat& in, cv::Mat& out) const {
    cv::threshold(in, out, threshold, in.depth() == CV_8U ? 255 : 65535, cv::THRESH_BINARY);
  }
};

}  // namespace tessera
