// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

/// A picture of 30x20 pixels, all of them darker than the gray 200 of the canvas of 50x60 on which it lies at 7,11.
Tile picture_on_canvas(const PixelFormat& format) {
  Tile canvas = make_image({{50, 60}, format}, Pattern::constant, 1);
  const double scale = format.level_scale();
  canvas.color.setTo(cv::Scalar::all(200 * scale));
  canvas.color(cv::Rect(7, 11, 30, 20)).setTo(cv::Scalar::all(60 * scale));
  if (format.alpha) {
    canvas.alpha.setTo(cv::Scalar::all(format.max_value()));
  }
  return canvas;
}

std::vector<double> found(const Tile& image, double tolerance) {
  return run_reference(build_operator("find-border", {{"tolerance", tolerance}}), image).findings;
}

const std::vector<double> whole_picture{7, 11, 30, 20};

TEST(FindBorder, TellsWhatIsLeftWithin) {
  for (const PixelFormat& format : {PixelFormat{Depth::u8, 1, false}, PixelFormat{Depth::u8, 3, true},
                                    PixelFormat{Depth::u16, 3, false}, PixelFormat{Depth::u16, 1, true}}) {
    EXPECT_EQ(found(picture_on_canvas(format), 10), whole_picture) << format.describe();
  }
}

TEST(FindBorder, PaintsTheBorderAlone) {
  const Tile image = picture_on_canvas({Depth::u8, 3, false});
  const Tile painted = run_reference(build_operator("find-border", {{"color", "#0000ff"}}), image).image;
  cv::Mat expected(image.color.size(), CV_8UC3, cv::Scalar(0, 0, 255));
  const cv::Rect content(7, 11, 30, 20);
  image.color(content).copyTo(expected(content));
  EXPECT_EQ(cv::norm(painted.color, expected, cv::NORM_INF), 0);
}

TEST(FindBorder, ToleratesLevelsUpToTheTolerance) {
  for (const int difference : {-9, 9}) {
    Tile image = picture_on_canvas({Depth::u8, 3, false});
    image.color.at<cv::Vec3b>(3, 40)[1] = static_cast<std::uint8_t>(200 + difference);
    EXPECT_EQ(found(image, 9), whole_picture);
    EXPECT_EQ(found(image, 8), (std::vector<double>{7, 3, 34, 28}));
  }
}

TEST(FindBorder, FindsNothingInAPictureOfOneColour) {
  Tile image = make_image({{9, 7}, {Depth::u8, 3, false}}, Pattern::constant, 1);
  EXPECT_TRUE(found(image, 0).empty());
  const Tile result = run_reference(build_operator("find-border", Json::object()), image).image;
  EXPECT_EQ(difference(result, image), 0);
}

TEST(FindBorder, TakesTransparentPixelsForBackground) {
  Tile image = picture_on_canvas({Depth::u8, 3, true});
  // Another colour, which nobody sees.
  image.color.at<cv::Vec3b>(50, 45) = {0, 0, 0};
  image.alpha.at<std::uint8_t>(50, 45) = 0;
  EXPECT_EQ(found(image, 0), whole_picture);
  // With a transparent corner every visible pixel is content, whatever its colour.
  image.alpha.setTo(0);
  image.alpha(cv::Rect(7, 11, 30, 20)).setTo(1);
  image.color.setTo(cv::Scalar::all(200));
  EXPECT_EQ(found(image, 255), whole_picture);
}

}  // namespace
}  // namespace tessera::testing
