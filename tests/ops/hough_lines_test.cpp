// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "support/thread_frame.hpp"

namespace tessera::testing {
namespace {

Tile tile_of(const cv::Mat& image) { return {{0, 0, image.cols, image.rows}, image, {}}; }

cv::Mat lines_picture(int width, int height, int seed) {
  cv::RNG random(static_cast<std::uint64_t>(seed) + 1);
  cv::Mat image(height, width, CV_8UC1, cv::Scalar(60));
  for (int i = 0; i < 6; ++i) {
    cv::line(image, {random.uniform(0, width), random.uniform(0, height)},
             {random.uniform(0, width), random.uniform(0, height)}, cv::Scalar(random.uniform(120, 256)),
             random.uniform(1, 4));
  }
  return image;
}

std::vector<cv::Mat> images() {
  std::vector<cv::Mat> result;
  for (int seed = 0; seed < 6; ++seed) {
    result.push_back(lines_picture(90 + 13 * seed, 130 - 11 * seed, seed));
  }
  for (const Extent& extent : {Extent{1, 1}, Extent{1, 60}, Extent{60, 1}, Extent{50, 4}, Extent{80, 70}}) {
    result.push_back(make_image({extent, {Depth::u8, 1, false}}, Pattern::noise, 5).color);
    result.push_back(make_image({extent, {Depth::u8, 1, false}}, Pattern::steps, 5).color);
  }
  return result;
}

std::vector<double> opencv_lines(const cv::Mat& gray, double rho_step, double theta_step, int votes,
                                 std::size_t max_lines) {
  cv::Mat edges;
  cv::Canny(gray, edges, 50, 150);
  std::vector<cv::Vec3f> lines;
  cv::HoughLines(edges, lines, rho_step, theta_step * CV_PI / 180, votes);
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(max_lines, lines.size()); ++i) {
    for (int k = 0; k < 3; ++k) {
      result.push_back(static_cast<double>(lines[i][k]));
    }
  }
  return result;
}

struct Settings {
  double rho_step;
  double theta_step;
  int votes;
  int max_lines;
};
constexpr std::array settings{Settings{1, 1, 20, 50}, Settings{2.5, 0.7, 12, 1000}, Settings{0.5, 3, 5, 7},
                              Settings{1, 90, 3, 100}, Settings{4, 7, 1, 10000}};

Json parameters(const Settings& s) {
  return {
      {"rho-step", s.rho_step}, {"theta-step", s.theta_step}, {"votes", s.votes}, {"max-lines", s.max_lines}};
}

TEST(HoughLines, ListsTheLinesOfOpenCv) {
  std::size_t found = 0;
  for (const cv::Mat& image : images()) {
    for (const Settings& s : settings) {
      const Outcome outcome = run_on_ranks(build_operator("hough-lines", parameters(s)), tile_of(image), 3);
      ASSERT_EQ(outcome.findings,
                opencv_lines(image, s.rho_step, s.theta_step, s.votes, static_cast<std::size_t>(s.max_lines)))
          << image.size() << " theta step " << s.theta_step;
      found += outcome.findings.size() / 3;
    }
  }
  EXPECT_GT(found, 1000U);
}

TEST(HoughLines, IsTheSameOnAnyNumberOfRanks) {
  for (const cv::Mat& image : images()) {
    ASSERT_EQ(compare_ranks(build_operator("hough-lines", parameters(settings[0])), tile_of(image)), "");
  }
  for (const PixelFormat& format : {PixelFormat{Depth::u16, 3, true}, PixelFormat{Depth::u8, 3, false}}) {
    const Tile image = make_image({{70, 60}, format}, Pattern::steps, 2);
    ASSERT_EQ(compare_ranks(build_operator("hough-lines", parameters(settings[1])), image), "");
  }
}

TEST(HoughLines, DrawsThePixelsNearTheLines) {
  const cv::Mat image = lines_picture(120, 100, 3);
  for (const double width : {1.0, 2.5, 6.0}) {
    Json chosen = parameters(settings[0]);
    chosen["width"] = width;
    chosen["color"] = "#10ff20";
    const Outcome outcome = run_on_ranks(build_operator("hough-lines", chosen), tile_of(image), 2);
    cv::Mat expected;
    cv::cvtColor(image, expected, cv::COLOR_GRAY2RGB);
    ASSERT_GE(outcome.findings.size(), 6U);
    for (std::size_t i = 0; i < outcome.findings.size(); i += 3) {
      const double rho = outcome.findings[i];
      const double theta = outcome.findings[i + 1];
      for (int y = 0; y < image.rows; ++y) {
        for (int x = 0; x < image.cols; ++x) {
          if (std::abs(x * std::cos(theta) + y * std::sin(theta) - rho) <= width / 2) {
            expected.at<cv::Vec3b>(y, x) = {0x10, 0xff, 0x20};
          }
        }
      }
    }
    EXPECT_EQ(cv::norm(outcome.image.color, expected, cv::NORM_INF), 0) << "width " << width;
  }
}

TEST(HoughLines, RefusesAnAccumulatorThatIsTooBig) {
  const Operator op = build_operator("hough-lines", {{"rho-step", 0.25}, {"theta-step", 0.1}});
  const Tile image = make_image({{1, 20000}, {Depth::u8, 1, false}}, Pattern::constant, 1);
  try {
    static_cast<void>(run_on_ranks(op, image, 2));
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit_exceeded);
  }
}

}  // namespace
}  // namespace tessera::testing
