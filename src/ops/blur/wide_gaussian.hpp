// SPDX-License-Identifier: Apache-2.0
// A Gaussian too wide for one call: the bytes of cv::GaussianBlur, a few rows at a time.
#pragma once

#include <opencv2/core/mat.hpp>
#include <stop_token>
#include <vector>

#include "tessera/pixels.hpp"

namespace tessera {

/// Fills the part of `out` that is `radius_px` away from its edges with what cv::GaussianBlur with a kernel
/// of 2 radius_px + 1 pixels makes of `in`, which has the same size, and CV_8U or CV_16U samples. Throws
/// Error(cancelled) once a stop is asked for.
/// OpenCV's own takes no look at anything before it has done the whole matrix, computes rows that nobody
/// keeps, and rounds otherwise where it is given a part of a matrix. Its weights are multiples of 1/256
/// (8-bit) or 1/65536 (16-bit), and it rounds once, at the end: whole numbers, which are the same in any
/// order.
void wide_gaussian(const cv::Mat& in, cv::Mat& out, int radius_px, double sigma_px,
                   const std::stop_token& stop);

/// Bytes that it takes beside `in` and `out` of `rows` rows of `samples` samples.
[[nodiscard]] std::int64_t wide_gaussian_bytes(Depth depth, std::int64_t samples, std::int64_t rows,
                                               int radius_px);

/// The weights of both axes as whole numbers: 2 radius + 1 of them, for images of an OpenCV depth.
[[nodiscard]] std::vector<double> gaussian_weights(int depth, int radius_px, double sigma_px);

}  // namespace tessera
