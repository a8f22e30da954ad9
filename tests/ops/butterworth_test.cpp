// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "support/thread_frame.hpp"

namespace tessera::testing {
namespace {

/// Reflection written out from the definition.
int mirrored(int position, int size, int period) {
  if (position < size) {
    return position;
  }
  const int after = position - (size - 1);
  return after <= period - position ? std::max(0, size - 1 - after) : std::min(size - 1, period - position);
}

/// The whole continued image in double precision through one 2-D cv::dft.
cv::Mat reference(const cv::Mat& image, double cutoff, int order, bool high, double offset) {
  const int margin = static_cast<int>(std::ceil(2 / cutoff));
  const int width = cv::getOptimalDFTSize(image.cols + 2 * std::min(margin, image.cols - 1));
  const int height = cv::getOptimalDFTSize(image.rows + 2 * std::min(margin, image.rows - 1));
  std::vector<cv::Mat> channels;
  cv::split(image, channels);
  for (cv::Mat& channel : channels) {
    cv::Mat exact;
    channel.convertTo(exact, CV_64F);
    cv::Mat continued(height, width, CV_64F);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        continued.at<double>(y, x) =
            exact.at<double>(mirrored(y, image.rows, height), mirrored(x, image.cols, width));
      }
    }
    cv::Mat spectrum;
    cv::dft(continued, spectrum, cv::DFT_COMPLEX_OUTPUT);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double fx = std::min(x, width - x) / static_cast<double>(width);
        const double fy = std::min(y, height - y) / static_cast<double>(height);
        const double low = 1 / (1 + std::pow(std::hypot(fx, fy) / cutoff, 2 * order));
        spectrum.at<cv::Vec2d>(y, x) *= high ? 1 - low : low;
      }
    }
    cv::dft(spectrum, continued, cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT);
    cv::Mat(continued(cv::Rect(0, 0, image.cols, image.rows)) + offset).convertTo(channel, image.depth());
  }
  cv::Mat result;
  cv::merge(channels, result);
  return result;
}

const std::vector<Extent> extents{{1, 1}, {1, 50}, {50, 1}, {2, 3}, {7, 5}, {97, 89}, {64, 120}};

Json parameters(double cutoff, int order) { return {{"cutoff", cutoff}, {"order", order}}; }

TEST(Butterworth, IsTheFilterOfTheWholeImage) {
  for (const Extent& extent : extents) {
    for (const PixelFormat& format : {PixelFormat{Depth::u8, 3, false}, PixelFormat{Depth::u16, 1, false}}) {
      for (const auto& [cutoff, order] : {std::pair{0.02, 1}, {0.1, 2}, {0.3, 7}}) {
        const Tile image = make_image({extent, format}, Pattern::photo_like, 4);
        Json high = parameters(cutoff, order);
        high["offset"] = 100;
        const Outcome low_pass =
            run_on_ranks(build_operator("butterworth-low-pass", parameters(cutoff, order)), image, 3);
        const Outcome high_pass = run_on_ranks(build_operator("butterworth-high-pass", high), image, 3);
        EXPECT_LE(
            cv::norm(low_pass.image.color, reference(image.color, cutoff, order, false, 0), cv::NORM_INF), 1)
            << extent.width << "x" << extent.height << " " << cutoff;
        EXPECT_LE(
            cv::norm(high_pass.image.color,
                     reference(image.color, cutoff, order, true, 100 * format.level_scale()), cv::NORM_INF),
            1)
            << extent.width << "x" << extent.height << " " << cutoff;
      }
    }
  }
}

TEST(Butterworth, IsTheSameOnAnyNumberOfRanks) {
  for (const Extent& extent : extents) {
    for (const PixelFormat& format : {PixelFormat{Depth::u8, 1, false}, PixelFormat{Depth::u16, 3, true}}) {
      const Tile image = make_image({extent, format}, Pattern::noise, 6);
      EXPECT_EQ(compare_ranks(build_operator("butterworth-low-pass", parameters(0.07, 3)), image), "");
      EXPECT_EQ(compare_ranks(build_operator("butterworth-high-pass", parameters(0.2, 1)), image), "");
    }
  }
}

TEST(Butterworth, LowAndHighSumToThePicture) {
  const Tile image = make_image({{60, 70}, {Depth::u8, 1, false}}, Pattern::zones, 1);
  const Outcome low = run_on_ranks(build_operator("butterworth-low-pass", parameters(0.1, 1)), image, 2);
  const Outcome high = run_on_ranks(build_operator("butterworth-high-pass", parameters(0.1, 1)), image, 2);
  cv::Mat sum;
  cv::add(low.image.color, high.image.color, sum, cv::noArray(), CV_16S);
  sum -= 128;
  cv::Mat expected;
  image.color.convertTo(expected, CV_16S);
  cv::Mat in_range = (high.image.color > 0) & (high.image.color < 255);
  EXPECT_LE(cv::norm(sum, expected, cv::NORM_INF, in_range), 1);
  EXPECT_GT(cv::countNonZero(in_range), 4000);
}

TEST(Butterworth, KeepsAConstantPicture) {
  const Tile image = make_image({{33, 21}, {Depth::u16, 3, false}}, Pattern::constant, 1);
  const Outcome low = run_on_ranks(build_operator("butterworth-low-pass", Json::object()), image, 2);
  EXPECT_EQ(difference(low.image, image), 0);
}

}  // namespace
}  // namespace tessera::testing
