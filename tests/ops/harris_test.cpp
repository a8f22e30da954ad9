// SPDX-License-Identifier: Apache-2.0
#include "ops/features/harris.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

int border_type(Border border) {
  switch (border) {
    case Border::reflect101:
      return cv::BORDER_REFLECT_101;
    case Border::replicate:
      return cv::BORDER_REPLICATE;
    case Border::constant:
      return cv::BORDER_CONSTANT;
    case Border::wrap:
      return cv::BORDER_WRAP;
  }
  return -1;
}

/// cv::cornerHarris on the image continued far beyond what a response reads.
cv::Mat opencv_response(const cv::Mat& gray, int block_size, double k, Border border) {
  constexpr int margin = 20;
  cv::Mat continued;
  cv::copyMakeBorder(gray, continued, margin, margin, margin, margin, border_type(border));
  if (gray.depth() == CV_16U) {
    continued.convertTo(continued, CV_32F, 1 / 65535.0);
  }
  cv::Mat response;
  cv::cornerHarris(continued, response, block_size, 3, k);
  return response(cv::Rect(margin, margin, gray.cols, gray.rows));
}

TEST(Harris, ResponseIsOpenCvsUpToItsFloats) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    const Tile image = make_image({{60, 50}, {depth, 1, false}}, Pattern::photo_like, 2);
    for (const int block_size : {1, 2, 3, 5, 8}) {
      for (const Border border : {Border::reflect101, Border::replicate, Border::constant, Border::wrap}) {
        const HarrisWindow window{block_size, 0.05};
        const Tile grown = fetch(image, Halo::all(window.reach_px()).grow(image.rect), border, 0);
        const cv::Mat response = harris_response(grown.color, window);
        cv::Mat expected;
        opencv_response(image.color, block_size, 0.05, border).convertTo(expected, CV_64F);
        const double scale = cv::norm(expected, cv::NORM_INF);
        ASSERT_EQ(response.size(), expected.size());
        EXPECT_LE(cv::norm(response, expected, cv::NORM_INF), 1e-5 * scale + 1e-12)
            << "block " << block_size << " border " << static_cast<int>(border);
      }
    }
  }
}

struct Corner {
  int x;
  int y;
  double response;
};

/// Corners and circles by looking at every pixel of the whole image.
Outcome slow_harris(const Tile& image, const Harris& op) {
  const HarrisWindow window{op.block_size, op.k};
  const Tile gray = run_reference(build_operator("grayscale", Json::object()), image).image;
  const Tile grown = fetch(gray, Halo::all(window.reach_px()).grow(image.rect), op.border, op.border_value);
  const cv::Mat response = harris_response(grown.color, window);
  double largest = 0;
  cv::minMaxLoc(response, nullptr, &largest);
  std::vector<Corner> corners;
  for (int y = 0; y < response.rows; ++y) {
    for (int x = 0; x < response.cols; ++x) {
      const double here = response.at<double>(y, x);
      bool corner = here > 0 && here > op.quality * largest;
      for (int v = std::max(0, y - 1); v <= std::min(response.rows - 1, y + 1); ++v) {
        for (int u = std::max(0, x - 1); u <= std::min(response.cols - 1, x + 1); ++u) {
          const bool earlier = v < y || (v == y && u < x);
          corner = corner && (earlier ? response.at<double>(v, u) < here : response.at<double>(v, u) <= here);
        }
      }
      if (corner) {
        corners.push_back({x, y, here});
      }
    }
  }
  Outcome outcome{
      whole_tile({{image.rect.width, image.rect.height}, {info_of(image).format.depth, 3, false}}), {}};
  if (image.color.channels() == 1) {
    cv::cvtColor(image.color, outcome.image.color, cv::COLOR_GRAY2RGB);
  } else {
    image.color.copyTo(outcome.image.color);
  }
  const double full = info_of(image).format.max_value();
  for (const Corner& corner : corners) {
    outcome.findings.insert(outcome.findings.end(),
                            {static_cast<double>(corner.x), static_cast<double>(corner.y), corner.response});
    for (int y = 0; y < response.rows; ++y) {
      for (int x = 0; x < response.cols; ++x) {
        const int distance = (x - corner.x) * (x - corner.x) + (y - corner.y) * (y - corner.y);
        if (std::abs(distance - op.radius * op.radius) <= op.radius) {
          outcome.image.color(cv::Rect(x, y, 1, 1)).setTo(cv::Scalar(full, 0, 0));
        }
      }
    }
  }
  return outcome;
}

TEST(Harris, MarksAndListsWhatASlowLoopFinds) {
  for (const PixelFormat& format : {PixelFormat{Depth::u8, 3, false}, PixelFormat{Depth::u16, 1, false}}) {
    for (const Pattern pattern : {Pattern::steps, Pattern::photo_like, Pattern::constant}) {
      for (const Extent& extent : {Extent{1, 1}, Extent{1, 30}, Extent{45, 40}}) {
        const Tile image = make_image({extent, format}, pattern, 8);
        for (const auto& [block_size, radius] : {std::pair{2, 3}, std::pair{5, 0}, std::pair{3, 9}}) {
          Harris harris;
          harris.block_size = block_size;
          harris.radius = radius;
          harris.quality = 0.05;
          const Outcome expected = slow_harris(image, harris);
          for (const std::int64_t rows : {0, 1, 7}) {
            const Outcome outcome = run_reference(make_operator(harris), image, rows);
            ASSERT_EQ(difference(outcome.image, expected.image), 0)
                << first_difference(outcome.image, expected.image);
            ASSERT_EQ(outcome.findings, expected.findings);
          }
        }
      }
    }
  }
}

TEST(Harris, FindsTheFourCornersOfASquare) {
  Tile image = make_image({{60, 60}, {Depth::u8, 1, false}}, Pattern::constant, 1);
  image.color.setTo(0);
  image.color(cv::Rect(20, 20, 20, 20)).setTo(200);
  const Outcome outcome =
      run_reference(build_operator("harris", {{"block-size", 3}, {"quality", 0.5}}), image);
  EXPECT_EQ(outcome.findings.size(), 4U * 3U);
}

TEST(Harris, BitsOfDoublesKeepTheirOrder) {
  const std::vector<double> ascending{-1e300, -2.5, -1e-300, 0, 1e-300, 2.5, 1e300};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    EXPECT_EQ(from_ordered_bits(ordered_bits(ascending[i])), ascending[i]);
    if (i > 0) {
      EXPECT_LT(ordered_bits(ascending[i - 1]), ordered_bits(ascending[i]));
    }
  }
}

}  // namespace
}  // namespace tessera::testing
