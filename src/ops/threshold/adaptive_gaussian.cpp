// SPDX-License-Identifier: Apache-2.0
#include "ops/threshold/adaptive_gaussian.hpp"

#include <limits>
#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

template <class T>
void binarize(const cv::Mat& in, const cv::Mat& mean, cv::Mat& out, int offset) {
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    const T* against = mean.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x) {
      to[x] = from[x] + offset > against[x] ? std::numeric_limits<T>::max() : T{0};
    }
  }
}

}  // namespace

void AdaptiveGaussian::run(const cv::Mat& in, cv::Mat& out) const {
  cv::Mat levels;
  in.convertTo(levels, CV_32F);
  cv::GaussianBlur(levels, levels, {block_size_px, block_size_px}, 0, 0,
                   cv::BORDER_REPLICATE | cv::BORDER_ISOLATED);
  cv::Mat mean;
  levels.convertTo(mean, in.type());
  in.depth() == CV_8U ? binarize<std::uint8_t>(in, mean, out, offset(in))
                      : binarize<std::uint16_t>(in, mean, out, offset(in));
}

}  // namespace tessera
