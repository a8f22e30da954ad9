// SPDX-License-Identifier: Apache-2.0
// JPEGs made for tests, by libjpeg, and how they are read.
#pragma once

#include <opencv2/core.hpp>

#include "support.hpp"

namespace tessera::test {

struct Coding {
  int columns = 1;  ///< of Y for one of Cb and Cr
  int rows = 1;
  int quality = 90;
  int restart_mcus = 0;
  bool own_tables = false;
  bool progressive = false;
  bool coarse = false;  ///< quantizers that real coefficients do not fit 16 bits with
};

/// Colours that drift, with noise where `noise` is more than 0.
[[nodiscard]] cv::Mat make_picture(const cv::Size& size, int channels, int noise, unsigned seed);

[[nodiscard]] Bytes encode(const cv::Mat& picture, const Coding& coding);

/// All rows by read_rows_deferred(); those of two calls are finished by two threads side by side, the later ones first.
[[nodiscard]] Tile read_unfinished(Source& source, std::int64_t rows_at_once);

}  // namespace tessera::test
