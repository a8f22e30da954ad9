// SPDX-License-Identifier: Apache-2.0
// Histograms of whole images, counted piece by piece, and the thresholds found in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>

#include "image/image.hpp"

namespace tessera {

/// 256 or 65536.
[[nodiscard]] std::size_t histogram_bins(const PixelFormat& format);
/// Adds the counts of one channel of a tile to `bins`; pixels where `alpha` (null: there is none) is 0 do not
/// count.
void add_histogram(const cv::Mat& tile, int channel, const cv::Mat* alpha, std::span<std::uint64_t> bins);
/// The level of the greatest between-class variance, the lowest of equals; pixels above it are the bright
/// class. Computed as cv::threshold's getThreshVal_Otsu does, in double precision.
[[nodiscard]] int otsu_threshold(std::span<const std::uint64_t> histogram);
/// The level farthest from the line between the histogram's peak and the end of its longer tail; pixels above
/// it are the bright class. May be -1 or histogram.size(). Computed as cv::threshold's
/// getThreshVal_Triangle_8u does.
[[nodiscard]] int triangle_threshold(std::span<const std::uint64_t> histogram);

}  // namespace tessera
