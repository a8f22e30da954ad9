// SPDX-License-Identifier: Apache-2.0
// What holds for every operator where pixels are transparent, and for those that mix pixels.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "support/catalog_names.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

const std::vector<PixelFormat> formats_with_alpha{
    {Depth::u8, 3, true}, {Depth::u8, 1, true}, {Depth::u16, 3, true}, {Depth::u16, 1, true}};

cv::Mat mask(const cv::Mat& alpha, bool opaque_only) {
  return opaque_only ? alpha == (alpha.depth() == CV_8U ? 255 : 65535) : alpha > 0;
}

/// In how many pixels of `where` the colours of `a` and `b` differ.
int differing_pixels(const cv::Mat& a, const cv::Mat& b, const cv::Mat& where) {
  int count = 0;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      const bool equal = std::equal(a.ptr(y, x), a.ptr(y, x) + a.elemSize(), b.ptr(y, x));
      count += where.at<std::uint8_t>(y, x) != 0 && !equal ? 1 : 0;
    }
  }
  return count;
}

class EveryOperatorAndAlpha : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryOperatorAndAlpha, ColoursOfTransparentPixelsNeverShow) {
  std::mt19937 random(std::hash<std::string>{}(GetParam()) & 0xffffU);
  for (int i = 0; i < 24; ++i) {
    const PixelFormat format = formats_with_alpha[static_cast<std::size_t>(i) % formats_with_alpha.size()];
    const Extent extent{29 + static_cast<int>(random() % 20), 23 + static_cast<int>(random() % 20)};
    const Tile image = make_image({extent, format}, static_cast<Pattern>(random() % 4), 5);
    Tile other = image;
    other.color = image.color.clone();
    other.color.setTo(cv::Scalar::all(format.max_value()), image.alpha == 0);
    const Json parameters = random_parameters(find_operator(GetParam()), extent, random);
    const Operator op = build_operator(GetParam(), parameters, sample_image);
    const Outcome first = run_reference(op, image);
    const Outcome second = run_reference(op, other);
    EXPECT_EQ(cv::norm(first.image.alpha, second.image.alpha, cv::NORM_INF), 0) << GetParam();
    EXPECT_EQ(differing_pixels(first.image.color, second.image.color, mask(first.image.alpha, false)), 0)
        << GetParam() << " " << parameters << " on " << format.describe();
    EXPECT_EQ(first.findings, second.findings) << GetParam() << " " << parameters;
  }
}

TEST_P(EveryOperatorAndAlpha, OpaquePicturesGiveTheSameWithAndWithoutAlpha) {
  std::mt19937 random(std::hash<std::string>{}(GetParam()) & 0xfffU);
  for (int i = 0; i < 12; ++i) {
    const PixelFormat format = formats_with_alpha[static_cast<std::size_t>(i) % formats_with_alpha.size()];
    const Extent extent{31, 27};
    Tile image = make_image({extent, format}, static_cast<Pattern>(random() % 4), 6);
    image.alpha.setTo(format.max_value());
    const Json parameters = random_parameters(find_operator(GetParam()), extent, random);
    const Operator op = build_operator(GetParam(), parameters, sample_image);
    const Outcome with = run_reference(op, image);
    const Outcome without = run_reference(op, {image.rect, image.color, {}});
    EXPECT_EQ(differing_pixels(with.image.color, without.image.color, mask(with.image.alpha, true)), 0)
        << GetParam() << " " << parameters << " on " << format.describe();
    EXPECT_EQ(with.findings, without.findings) << GetParam() << " " << parameters;
  }
}

INSTANTIATE_TEST_SUITE_P(Catalog, EveryOperatorAndAlpha, ::testing::ValuesIn(all_names()), test_name);

/// A disc in one colour with a soft edge, on transparent pixels of another.
Tile soft_disc(const PixelFormat& format, const cv::Scalar& color, const cv::Scalar& hidden) {
  Tile image = whole_tile({{61, 57}, format});
  const double full = format.max_value();
  image.color.setTo(hidden * format.level_scale());
  for (int y = 0; y < image.color.rows; ++y) {
    for (int x = 0; x < image.color.cols; ++x) {
      const double inside = std::clamp(24 - std::hypot(x - 30, y - 28), 0.0, 3.0) / 3;
      if (format.depth == Depth::u8) {
        image.alpha.at<std::uint8_t>(y, x) = cv::saturate_cast<std::uint8_t>(full * inside);
      } else {
        image.alpha.at<std::uint16_t>(y, x) = cv::saturate_cast<std::uint16_t>(full * inside);
      }
    }
  }
  image.color.setTo(color * format.level_scale(), image.alpha > 0);
  return image;
}

class MixingOperator : public ::testing::TestWithParam<std::pair<const char*, Json>> {};

TEST_P(MixingOperator, MakesNoHaloAroundOneColour) {
  const auto& [name, parameters] = GetParam();
  for (const PixelFormat& format : formats_with_alpha) {
    const bool rgb = format.channels == 3;
    const cv::Scalar color = rgb ? cv::Scalar(0, 128, 0) : cv::Scalar::all(200);
    const Tile image = soft_disc(format, color, rgb ? cv::Scalar(255, 0, 0) : cv::Scalar::all(3));
    const Outcome outcome = run_reference(build_operator(name, parameters), image);
    Tile expected = whole_tile(info_of(outcome.image));
    expected.color.setTo(color * format.level_scale());
    EXPECT_EQ(differing_pixels(outcome.image.color, expected.color, mask(outcome.image.alpha, false)), 0)
        << name << " " << parameters << " on " << format.describe();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Catalog, MixingOperator,
    ::testing::Values(
        std::pair("gaussian-blur", Json{{"sigma", 2}}), std::pair("gaussian-blur", Json{{"sigma", 12}}),
        std::pair("box-blur", Json{{"radius", 4}}), std::pair("motion-blur", Json{{"length", 15}}),
        std::pair("median", Json::object()), std::pair("bilateral", Json{{"sigma-color", 200}}),
        std::pair("non-local-means", Json{{"strength", 80}}), std::pair("erode", Json::object()),
        std::pair("dilate", Json::object()), std::pair("open", Json::object()),
        std::pair("close", Json::object()), std::pair("sharpen", Json::object()),
        std::pair("unsharp-mask", Json::object()), std::pair("butterworth-low-pass", Json::object()),
        std::pair("rotate", Json{{"angle", 30}}),
        std::pair("rotate", Json{{"angle", -77}, {"method", "nearest"}, {"fill", "#0000ff"}}),
        std::pair("resize", Json{{"width", 23}}), std::pair("resize", Json{{"width", 150}}),
        std::pair("resize", Json{{"width", 23}, {"method", "linear"}}),
        std::pair("resize", Json{{"width", 150}, {"method", "cubic"}}),
        std::pair("resize", Json{{"width", 17}, {"method", "area"}}),
        std::pair("resize", Json{{"width", 90}, {"method", "nearest"}})));

TEST(BoxBlur, WeighsColoursByAlpha) {
  const Tile image = make_image({{40, 31}, {Depth::u16, 3, true}}, Pattern::photo_like, 8);
  constexpr int radius = 3;
  const Tile result = run_reference(build_operator("box-blur", {{"radius", radius}}), image).image;
  const Tile grown = fetch(image, Halo::all(radius).grow(image.rect), Border::reflect101, 0);
  for (int y = 0; y < result.color.rows; ++y) {
    for (int x = 0; x < result.color.cols; ++x) {
      const cv::Rect window(x, y, 2 * radius + 1, 2 * radius + 1);
      cv::Mat alpha;
      grown.alpha(window).convertTo(alpha, CV_64F);
      cv::Mat channels[3];
      cv::split(grown.color(window), channels);
      for (int c = 0; c < 3 && image.alpha.at<std::uint16_t>(y, x) > 0; ++c) {
        cv::Mat color;
        channels[c].convertTo(color, CV_64F);
        ASSERT_NEAR(result.color.at<cv::Vec3w>(y, x)[c], color.dot(alpha) / cv::sum(alpha)[0], 0.51)
            << x << ", " << y;
      }
    }
  }
}

TEST(GaussianBlur, WeighsColoursByAlpha) {
  const Tile image = make_image({{40, 31}, {Depth::u8, 3, true}}, Pattern::photo_like, 8);
  for (const double sigma : {1.2, 9.0}) {
    const Tile result = run_reference(build_operator("gaussian-blur", {{"sigma", sigma}}), image).image;
    const int radius = static_cast<int>(std::ceil(3 * sigma));
    const Tile grown = fetch(image, Halo::all(radius).grow(image.rect), Border::reflect101, 0);
    const cv::Mat kernel = cv::getGaussianKernel(2 * radius + 1, sigma, CV_64F);
    const cv::Mat square = kernel * kernel.t();
    for (int y = 0; y < result.color.rows; ++y) {
      for (int x = 0; x < result.color.cols; ++x) {
        const cv::Rect window(x, y, 2 * radius + 1, 2 * radius + 1);
        cv::Mat weight;
        grown.alpha(window).convertTo(weight, CV_64F);
        weight = weight.mul(square);
        cv::Mat channels[3];
        cv::split(grown.color(window), channels);
        for (int c = 0; c < 3 && image.alpha.at<std::uint8_t>(y, x) > 0; ++c) {
          cv::Mat color;
          channels[c].convertTo(color, CV_64F);
          // Weights are rounded to multiples of 1/256 along each axis.
          ASSERT_NEAR(result.color.at<cv::Vec3b>(y, x)[c], color.dot(weight) / cv::sum(weight)[0], 4)
              << x << ", " << y << " sigma " << sigma;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tessera::testing
