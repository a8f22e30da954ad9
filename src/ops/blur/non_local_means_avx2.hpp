// SPDX-License-Identifier: Apache-2.0
// The 8-bit kernel of non-local-means for processors with AVX2.
#pragma once

#include <stop_token>

#include "ops/blur/non_local_means.hpp"

namespace tessera {

[[nodiscard]] bool has_avx2();

/// The bytes of cv::fastNlMeansDenoising for CV_8UC1 and CV_8UC3 in all pixels of `out` that are op.halo()
/// away from its edges; the others are left alone. Only if has_avx2(). Throws Error(cancelled) once a stop is
/// asked for.
///
/// The sums are OpenCV's own integers. OpenCV goes from pixel to pixel and there through all places of the
/// search window; here each place is compared with a run of pixels at once, so that distances, sums and the
/// mean are vectors.
void non_local_means_avx2(const cv::Mat& in, cv::Mat& out, const NonLocalMeans& op,
                          const std::stop_token& stop);

}  // namespace tessera
