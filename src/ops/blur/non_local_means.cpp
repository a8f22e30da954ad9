// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/non_local_means.hpp"

#include <opencv2/photo.hpp>

#include "ops/blur/non_local_means_avx2.hpp"
#include "ops/slices.hpp"

namespace tessera {

void NonLocalMeans::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.depth() == CV_8U && has_avx2()) {
    non_local_means_avx2(in, out, *this, region.stop);
    return;
  }
  const bool wide = in.depth() == CV_16U;
  const std::vector<float> levels(1, static_cast<float>(strength * (wide ? 257 : 1)));
  const int reach = template_radius + search_radius;
  const int search_size = 2 * search_radius + 1;
  // The sums of a call's first row are made afresh, those of its other rows from the row above.
  constexpr std::int64_t min_rows = 16;
  constexpr double steps_per_place = 2;
  for_each_slice({reach, in.rows - reach}, steps_per_place * search_size * search_size * in.cols, min_rows,
                 region.stop, [&](const Interval& slice) {
                   // OpenCV reads the pixels around a part of a matrix from the matrix.
                   const cv::Range rows(static_cast<int>(slice.begin), static_cast<int>(slice.end));
                   cv::Mat part = out.rowRange(rows);
                   cv::fastNlMeansDenoising(in.rowRange(rows), part, levels, 2 * template_radius + 1,
                                            search_size, wide ? cv::NORM_L1 : cv::NORM_L2);
                 });
}

}  // namespace tessera
