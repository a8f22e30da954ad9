#include "ops/blur/non_local_means.hpp"

#include <opencv2/photo.hpp>

#include "ops/blur/non_local_means_avx2.hpp"

namespace tessera {

void NonLocalMeans::run(const cv::Mat& in, cv::Mat& out) const {
  if (in.depth() == CV_8U && has_avx2()) {
    non_local_means_avx2(in, out, *this);
    return;
  }
  const bool wide = in.depth() == CV_16U;
  const std::vector<float> levels(1, static_cast<float>(strength * (wide ? 257 : 1)));
  cv::fastNlMeansDenoising(in, out, levels, 2 * template_radius + 1, 2 * search_radius + 1,
                           wide ? cv::NORM_L1 : cv::NORM_L2);
}

}  // namespace tessera
