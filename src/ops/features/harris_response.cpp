// SPDX-License-Identifier: Apache-2.0
#include "ops/features/harris_response.hpp"

#include <opencv2/imgproc.hpp>
#include <vector>

namespace tessera {
namespace {

/// Sums of dx^2, dx dy and dy^2.
struct Products {
  std::vector<std::int64_t> xx;
  std::vector<std::int64_t> xy;
  std::vector<std::int64_t> yy;
  explicit Products(std::size_t width) : xx(width, 0), xy(width, 0), yy(width, 0) {}
};

template <class Gradient>
void add_row(const cv::Mat& dx, const cv::Mat& dy, int row, std::int64_t sign, Products& columns) {
  const auto* gx = dx.ptr<Gradient>(row);
  const auto* gy = dy.ptr<Gradient>(row);
  for (std::size_t x = 0; x < columns.xx.size(); ++x) {
    const auto horizontal = static_cast<std::int64_t>(gx[x]);
    const auto vertical = static_cast<std::int64_t>(gy[x]);
    columns.xx[x] += sign * horizontal * horizontal;
    columns.xy[x] += sign * horizontal * vertical;
    columns.yy[x] += sign * vertical * vertical;
  }
}

template <class Gradient>
cv::Mat responses(const cv::Mat& dx, const cv::Mat& dy, const HarrisWindow& window, double max_value) {
  const int margin = window.reach_px();
  const int block = window.block_size;
  cv::Mat result(dx.rows - 2 * margin, dx.cols - 2 * margin, CV_64FC1);
  // As cv::cornerHarris scales its gradients, squared.
  const double scale = 1 / (4.0 * block * max_value);
  const double area_scale = scale * scale;
  Products columns(static_cast<std::size_t>(dx.cols));
  for (int row = 1; row < block; ++row) {
    add_row<Gradient>(dx, dy, row, 1, columns);
  }
  for (int y = 0; y < result.rows; ++y) {
    // The window of output row y begins at input row margin + y - block / 2 = y + 1.
    add_row<Gradient>(dx, dy, y + block, 1, columns);
    std::int64_t xx = 0;
    std::int64_t xy = 0;
    std::int64_t yy = 0;
    for (std::size_t x = 1; x < static_cast<std::size_t>(block); ++x) {
      xx += columns.xx[x];
      xy += columns.xy[x];
      yy += columns.yy[x];
    }
    auto* to = result.ptr<double>(y);
    for (int x = 0; x < result.cols; ++x) {
      const auto enters = static_cast<std::size_t>(x + block);
      const auto leaves = static_cast<std::size_t>(x + 1);
      xx += columns.xx[enters];
      xy += columns.xy[enters];
      yy += columns.yy[enters];
      const double a = static_cast<double>(xx) * area_scale;
      const double b = static_cast<double>(xy) * area_scale;
      const double c = static_cast<double>(yy) * area_scale;
      const double trace = a + c;
      to[x] = (a * c - b * b) - window.k * (trace * trace);
      xx -= columns.xx[leaves];
      xy -= columns.xy[leaves];
      yy -= columns.yy[leaves];
    }
    add_row<Gradient>(dx, dy, y + 1, -1, columns);
  }
  return result;
}

}  // namespace

std::int64_t harris_bytes(const ImageInfo& in, const Rect& part) {
  const bool wide = in.format.depth == Depth::u16;
  const std::int64_t luma = in.format.channels == 3 ? in.format.bytes_per_sample() : 0;
  const std::int64_t derivative = wide ? sizeof(float) : sizeof(std::int16_t);
  return part.width * part.height * (luma + 2 * derivative + static_cast<std::int64_t>(sizeof(double)));
}

cv::Mat harris_response(const cv::Mat& in, const HarrisWindow& window) {
  cv::Mat gray = in;
  if (in.channels() == 3) {
    cv::cvtColor(in, gray, cv::COLOR_RGB2GRAY);
  }
  cv::Mat dx;
  cv::Mat dy;
  if (gray.depth() == CV_8U) {
    cv::Sobel(gray, dx, CV_16S, 1, 0, 3);
    cv::Sobel(gray, dy, CV_16S, 0, 1, 3);
    return responses<std::int16_t>(dx, dy, window, 255);
  }
  // Sums of 16-bit samples are integers below 2^24: exact in single precision.
  cv::Sobel(gray, dx, CV_32F, 1, 0, 3);
  cv::Sobel(gray, dy, CV_32F, 0, 1, 3);
  return responses<float>(dx, dy, window, 65535);
}

}  // namespace tessera
