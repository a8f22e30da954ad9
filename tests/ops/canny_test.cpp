// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/thread_frame.hpp"
#include "support/winding_images.hpp"

namespace tessera::testing {
namespace {

Tile tile_of(const cv::Mat& image) { return {{0, 0, image.cols, image.rows}, image, {}}; }

/// A faint winding line with one bright spot: its far end is an edge only because of the spot.
cv::Mat faint_line(cv::Mat line) {
  cv::resize(line, line, {}, 5, 5, cv::INTER_NEAREST);
  line(cv::Rect(0, 0, std::min(6, line.cols), std::min(6, line.rows))) *= 6;
  return line;
}

std::vector<cv::Mat> images() {
  std::vector<cv::Mat> result{faint_line(spiral(31, 41, 40)), faint_line(snake(17, 30, 40))};
  for (const Extent& extent :
       {Extent{1, 1}, {1, 40}, {40, 1}, {2, 2}, {5, 3}, {64, 65}, {97, 200}, {200, 5}}) {
    for (const Pattern pattern : {Pattern::noise, Pattern::zones, Pattern::steps, Pattern::photo_like}) {
      result.push_back(make_image({extent, {Depth::u8, 1, false}}, pattern, 3).color);
    }
  }
  return result;
}

struct Settings {
  double low;
  double high;
};
constexpr std::array settings{Settings{50, 150}, Settings{20.5, 400}, Settings{300, 100}, Settings{0, 0},
                              Settings{30, 900}};

TEST(Canny, IsOpenCvsOnTheWholeImage) {
  for (const cv::Mat& image : images()) {
    for (const auto& [low, high] : settings) {
      for (const int aperture : {3, 5, 7}) {
        for (const bool l2 : {false, true}) {
          cv::Mat expected;
          cv::Canny(image, expected, low, high, aperture, l2);
          const Operator op = build_operator(
              "canny", {{"low", low}, {"high", high}, {"aperture", std::to_string(aperture)}, {"l2", l2}});
          const Outcome outcome = run_on_ranks(op, tile_of(image), 3);
          ASSERT_EQ(cv::norm(outcome.image.color, expected, cv::NORM_INF), 0)
              << image.size() << " low " << low << " high " << high << " aperture " << aperture << " l2 "
              << l2;
        }
      }
    }
  }
}

TEST(Canny, IsTheSameOnAnyNumberOfRanks) {
  for (const cv::Mat& image : images()) {
    for (const char* aperture : {"3", "7"}) {
      const Operator op = build_operator("canny", {{"low", 20}, {"high", 500}, {"aperture", aperture}});
      ASSERT_EQ(compare_ranks(op, tile_of(image)), "") << image.size();
    }
  }
}

TEST(Canny, FollowsAFaintEdgeThroughAllBands) {
  cv::Mat image = cv::Mat::zeros(120, 40, CV_8UC1);
  for (int y = 0; y < image.rows; ++y) {
    image.row(y).colRange(0, 20).setTo(40 + 10 * std::max(0, 15 - y));
  }
  const auto edge_pixels_at_bottom = [&](double high) {
    const Operator op = build_operator("canny", {{"low", 20}, {"high", high}});
    return cv::countNonZero(run_on_ranks(op, tile_of(image), 7).image.color.rowRange(100, 120));
  };
  EXPECT_EQ(edge_pixels_at_bottom(500), 20);
  EXPECT_EQ(edge_pixels_at_bottom(1500), 0);
}

/// A picture whose 16-bit samples are 257 times the 8-bit ones has the same edges.
TEST(Canny, ScalesWithTheDepth) {
  for (const cv::Mat& image : images()) {
    for (const char* aperture : {"3", "5"}) {
      for (const bool l2 : {false, true}) {
        const Operator op =
            build_operator("canny", {{"low", 40}, {"high", 160}, {"aperture", aperture}, {"l2", l2}});
        cv::Mat deep;
        image.convertTo(deep, CV_16U, 257);
        cv::Mat expected;
        run_on_ranks(op, tile_of(image), 1).image.color.convertTo(expected, CV_16U, 257);
        const Outcome outcome = run_on_ranks(op, tile_of(deep), 4);
        ASSERT_EQ(cv::norm(outcome.image.color, expected, cv::NORM_INF), 0) << image.size() << " l2 " << l2;
      }
    }
  }
}

TEST(Canny, IsTheSameOnAnyNumberOfRanksFor16Bit) {
  for (const Pattern pattern : {Pattern::noise, Pattern::photo_like}) {
    const Tile image = make_image({{70, 90}, {Depth::u16, 3, true}}, pattern, 9);
    for (const char* aperture : {"3", "5", "7"}) {
      const Operator op = build_operator("canny", {{"low", 60}, {"high", 600}, {"aperture", aperture}});
      ASSERT_EQ(compare_ranks(op, image), "");
    }
  }
}

}  // namespace
}  // namespace tessera::testing
