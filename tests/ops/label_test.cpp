// SPDX-License-Identifier: Apache-2.0
#include "ops/regions/label.hpp"

#include <gtest/gtest.h>

#include <map>
#include <opencv2/imgproc.hpp>

#include "support/thread_frame.hpp"
#include "support/winding_images.hpp"

namespace tessera::testing {
namespace {

Tile tile_of(const cv::Mat& image) { return {{0, 0, image.cols, image.rows}, image, {}}; }

cv::Mat random_mask(int width, int height, double share, unsigned seed) {
  cv::Mat noise(height, width, CV_8UC1);
  cv::RNG random(seed);
  random.fill(noise, cv::RNG::UNIFORM, 0, 256);
  return noise < share * 256;
}

/// cv::connectedComponents, renumbered in scan order and coloured.
cv::Mat reference(const cv::Mat& mask, int connectivity, int& count) {
  cv::Mat labels;
  cv::connectedComponents(mask, labels, connectivity, CV_32S);
  std::map<int, std::uint64_t> number;
  cv::Mat colored(mask.size(), CV_8UC3, cv::Scalar::all(0));
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      if (const int label = labels.at<int>(y, x); label != 0) {
        const auto [at, fresh] = number.emplace(label, number.size() + 1);
        const Color color = label_color(at->second);
        colored.at<cv::Vec3b>(y, x) = {color.red, color.green, color.blue};
      }
    }
  }
  count = static_cast<int>(number.size());
  return colored;
}

std::vector<cv::Mat> masks() {
  std::vector<cv::Mat> result{
      spiral(41, 53, 255),         snake(33, 40, 255),        spiral(1, 9, 255),
      random_mask(1, 1, 1, 1),     random_mask(1, 90, .5, 2), random_mask(90, 1, .5, 3),
      random_mask(64, 200, .4, 4), random_mask(50, 5, .6, 5), cv::Mat::zeros(9, 9, CV_8UC1)};
  for (unsigned seed = 0; seed < 12; ++seed) {
    result.push_back(random_mask(31 + static_cast<int>(seed), 29, 0.3 + 0.04 * seed, 100 + seed));
  }
  return result;
}

TEST(Label, FindsTheComponentsOfOpenCv) {
  for (const cv::Mat& mask : masks()) {
    for (const int connectivity : {4, 8}) {
      int count = 0;
      const cv::Mat expected = reference(mask, connectivity, count);
      const Operator op = build_operator("label", {{"connectivity", std::to_string(connectivity)}});
      const Outcome outcome = run_on_ranks(op, tile_of(mask), 3);
      ASSERT_EQ(cv::norm(outcome.image.color, expected, cv::NORM_INF), 0) << mask.size();
      ASSERT_EQ(outcome.findings, std::vector<double>{static_cast<double>(count)});
    }
  }
}

TEST(Label, IsTheSameOnAnyNumberOfRanks) {
  for (const cv::Mat& mask : masks()) {
    for (const char* connectivity : {"4", "8"}) {
      ASSERT_EQ(compare_ranks(build_operator("label", {{"connectivity", connectivity}}), tile_of(mask)), "");
    }
  }
}

TEST(Label, ThresholdIsOnTheEightBitScale) {
  const cv::Mat deep = (cv::Mat_<std::uint16_t>(1, 5) << 25700, 0, 25701, 0, 65535);
  const Outcome outcome = run_on_ranks(build_operator("label", {{"threshold", 100}}), tile_of(deep), 1);
  EXPECT_EQ(outcome.findings, std::vector<double>{2});
  const Color first = label_color(1);
  EXPECT_EQ(outcome.image.color.at<cv::Vec3w>(0, 2), cv::Vec3w(static_cast<std::uint16_t>(first.red * 257),
                                                               static_cast<std::uint16_t>(first.green * 257),
                                                               static_cast<std::uint16_t>(first.blue * 257)));
  EXPECT_EQ(outcome.image.color.at<cv::Vec3w>(0, 0), cv::Vec3w(0, 0, 0));
}

TEST(Label, JoinsThroughANeighbouringBand) {
  const cv::Mat horseshoe = (cv::Mat_<std::uint8_t>(3, 5) << 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 1);
  const Outcome outcome = run_on_ranks(build_operator("label", Json::object()), tile_of(horseshoe), 3);
  EXPECT_EQ(outcome.findings, std::vector<double>{2});
}

}  // namespace
}  // namespace tessera::testing
