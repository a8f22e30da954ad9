// SPDX-License-Identifier: Apache-2.0
// The bilateral filter of 8-bit pixels without vectors: what processors without AVX2 and FMA run.
#pragma once

#include <opencv2/core/mat.hpp>
#include <stop_token>

namespace tessera {

struct Bilateral;

/// Fills the pixels of `out` that lie op.radius or more from its edges, of an input of the same size, 8 bits,
/// 1 or 3 channels. The bytes are those of cv::bilateralFilter's vectors where a multiplication and an
/// addition round once. Throws Error(cancelled) once a stop is asked for.
void bilateral_8bit(const cv::Mat& in, cv::Mat& out, const Bilateral& op, const std::stop_token& stop);

}  // namespace tessera
