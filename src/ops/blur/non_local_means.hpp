// non-local-means: removes grain by averaging places that look alike.
#pragma once

#include <opencv2/photo.hpp>

#include "ops/kinds.hpp"
#include "ops/slices.hpp"

namespace tessera {

struct NonLocalMeans : Bordered {
  double strength = 8;
  int template_radius = 3;
  int search_radius = 7;

  static constexpr OperatorInfo info{
      .name = "non-local-means",
      .group = "Blur and denoise",
      .doc = "Removes grain and keeps detail: each pixel is averaged with places nearby that look alike.",
      .definition =
          "A. Buades et al., 2005, as cv::fastNlMeansDenoising with windows of 2 radius + 1 pixels: all "
          "channels together, squared differences for 8-bit, absolute ones (NORM_L1) for 16-bit.",
      .example = "non-local-means strength=8"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{number("strength", &NonLocalMeans::strength, "How different patches may be and still count.",
                        {.min = 0.5, .max = 100, .slider_min = 2, .slider_max = 25, .unit = "level"}),
                 integer("template-radius", &NonLocalMeans::template_radius, "Size of the patches compared.",
                         {.min = 1, .max = 7, .slider_min = 1, .slider_max = 3, .unit = "px"}),
                 integer("search-radius", &NonLocalMeans::search_radius, "How far away to look for them.",
                         {.min = 1, .max = 20, .slider_min = 2, .slider_max = 8, .unit = "px"})},
      border_params<NonLocalMeans>());

  [[nodiscard]] Halo halo() const { return Halo::all(template_radius + search_radius); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const bool wide = in.depth() == CV_16U;
    const std::vector<float> levels(1, static_cast<float>(strength * (wide ? 257 : 1)));
    const int reach = template_radius + search_radius;
    const int search_size = 2 * search_radius + 1;
    // The sums of a call's first row are made afresh, those of its other rows from the row above.
    constexpr std::int64_t least_rows = 16;
    constexpr double steps_per_place = 2;
    for_each_slice({reach, in.rows - reach}, steps_per_place * search_size * search_size * in.cols,
                   least_rows, region.stop, [&](const Interval& slice) {
                     // OpenCV reads the pixels around a part of a matrix from the matrix.
                     const cv::Range rows(static_cast<int>(slice.begin), static_cast<int>(slice.end));
                     cv::Mat part = out.rowRange(rows);
                     cv::fastNlMeansDenoising(in.rowRange(rows), part, levels, 2 * template_radius + 1,
                                              search_size, wide ? cv::NORM_L1 : cv::NORM_L2);
                   });
  }
};

}  // namespace tessera
