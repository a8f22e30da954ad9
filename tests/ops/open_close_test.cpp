// SPDX-License-Identifier: Apache-2.0
// open and close against OpenCV's erode and dilate on the whole image, each with ghost pixels added
// beforehand.
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

constexpr double border_level = 40;

/// One step on the whole image: ghost pixels by hand, cv::morphologyEx, ghost pixels off again.
Tile step(const Tile& image, cv::MorphTypes type, const cv::Mat& element, Border border) {
  const int margin = element.rows / 2;
  const Tile grown = fetch(image, Halo::all(margin).grow(image.rect), border, border_level);
  cv::Mat out;
  cv::morphologyEx(grown.color, out, type, element);
  Tile result;
  result.rect = image.rect;
  result.color = out(cv::Rect(margin, margin, image.color.cols, image.color.rows)).clone();
  return result;
}

TEST(OpenAndClose, EqualOpenCvInEveryShapeBorderAndFormat) {
  const std::vector<std::pair<std::string, cv::MorphShapes>> shapes{
      {"rectangle", cv::MORPH_RECT}, {"cross", cv::MORPH_CROSS}, {"ellipse", cv::MORPH_ELLIPSE}};
  const std::vector<std::string> borders{"reflect101", "replicate", "constant", "wrap"};
  for (const PixelFormat& format : {PixelFormat{Depth::u8, 1, false}, PixelFormat{Depth::u8, 3, false},
                                    PixelFormat{Depth::u16, 1, false}, PixelFormat{Depth::u16, 3, false}}) {
    const Tile image = make_image({{61, 47}, format}, Pattern::noise, 9);
    for (const auto& [shape, cv_shape] : shapes) {
      for (const int size : {3, 7, 21}) {
        const cv::Mat element = cv::getStructuringElement(cv_shape, {size, size});
        for (std::size_t b = 0; b < borders.size(); ++b) {
          const auto border = static_cast<Border>(b);
          const Json parameters{
              {"shape", shape}, {"size", size}, {"border", borders[b]}, {"border-value", border_level}};
          const Tile opened =
              step(step(image, cv::MORPH_ERODE, element, border), cv::MORPH_DILATE, element, border);
          const Tile closed =
              step(step(image, cv::MORPH_DILATE, element, border), cv::MORPH_ERODE, element, border);
          EXPECT_EQ(difference(run_reference(build_operator("open", parameters), image).image, opened), 0)
              << parameters << ' ' << format.describe();
          EXPECT_EQ(difference(run_reference(build_operator("close", parameters), image).image, closed), 0)
              << parameters << ' ' << format.describe();
        }
      }
    }
  }
}

}  // namespace
}  // namespace tessera::testing
