#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

TEST(Invert, IsItsOwnInverse) {
  const Tile image = make_image({{31, 17}, {Depth::u16, 3, true}}, Pattern::noise, 1);
  const Operator invert = build_operator("invert", Json::object());
  const Tile once = run_reference(invert, image).image;
  EXPECT_GT(difference(once, image), 0);
  EXPECT_EQ(difference(run_reference(invert, once).image, image), 0);
}

TEST(Grayscale, EqualsOpenCv) {
  const Tile image = make_image({{64, 48}, {Depth::u8, 3, false}}, Pattern::noise, 2);
  cv::Mat expected;
  cv::cvtColor(image.color, expected, cv::COLOR_RGB2GRAY);
  EXPECT_EQ(cv::norm(run_reference(build_operator("grayscale", Json::object()), image).image.color, expected,
                     cv::NORM_INF),
            0);
}

}  // namespace
}  // namespace tessera::testing
