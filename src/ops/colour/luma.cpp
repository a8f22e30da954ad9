// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/luma.hpp"

#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

template <class T>
void replace(const cv::Mat& in, const cv::Mat& luma, const cv::Mat& changed, cv::Mat& out) {
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    const T* before = luma.ptr<T>(y);
    const T* after = changed.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x, from += 3, to += 3) {
      const int shift = after[x] - before[x];
      to[0] = cv::saturate_cast<T>(from[0] + shift);
      to[1] = cv::saturate_cast<T>(from[1] + shift);
      to[2] = cv::saturate_cast<T>(from[2] + shift);
    }
  }
}

}  // namespace

cv::Mat luma_of(const cv::Mat& picture) {
  if (picture.channels() == 1) {
    return picture;
  }
  cv::Mat luma;
  cv::cvtColor(picture, luma, cv::COLOR_RGB2GRAY);
  return luma;
}

void replace_luma(const cv::Mat& in, const cv::Mat& luma, const cv::Mat& changed, cv::Mat& out) {
  in.depth() == CV_8U ? replace<std::uint8_t>(in, luma, changed, out)
                      : replace<std::uint16_t>(in, luma, changed, out);
}

}  // namespace tessera
