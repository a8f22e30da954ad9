// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

cv::Mat run(std::string_view name, const Json& parameters, const Tile& image) {
  return run_reference(build_operator(name, parameters), image).image.color;
}

cv::Mat gray_of(const Tile& image) {
  cv::Mat gray = image.color;
  if (gray.channels() == 3) {
    cv::cvtColor(image.color, gray, cv::COLOR_RGB2GRAY);
  }
  return gray;
}

double full_of(const cv::Mat& plane) { return plane.depth() == CV_8U ? 255 : 65535; }

int sample(const cv::Mat& plane, int y, int index) {
  return plane.depth() == CV_8U ? plane.ptr<std::uint8_t>(y)[index] : plane.ptr<std::uint16_t>(y)[index];
}

const std::vector<PixelFormat> formats{
    {Depth::u8, 1, false}, {Depth::u8, 3, false}, {Depth::u16, 1, false}, {Depth::u16, 3, false}};
const std::vector<Pattern> patterns{Pattern::noise, Pattern::zones, Pattern::steps, Pattern::photo_like,
                                    Pattern::constant};

TEST(Threshold, DoesWhatItsTypeSays) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{67, 41}, format}, Pattern::noise, 3);
    for (const double value : {0.0, 1.0, 100.3, 127.0, 254.9, 255.0}) {
      const int level = static_cast<int>(std::floor(value * format.level_scale()));
      const int full = format.max_value();
      for (const auto& [type, rule] : std::vector<std::pair<std::string, std::function<int(int)>>>{
               {"binary", [&](int in) { return in > level ? full : 0; }},
               {"binary-inv", [&](int in) { return in > level ? 0 : full; }},
               {"trunc", [&](int in) { return std::min(in, level); }},
               {"tozero", [&](int in) { return in > level ? in : 0; }},
               {"tozero-inv", [&](int in) { return in > level ? 0 : in; }}}) {
        const cv::Mat out = run("threshold", {{"value", value}, {"type", type}}, image);
        ASSERT_EQ(out.type(), image.color.type());
        for (int y = 0; y < out.rows; ++y) {
          for (int i = 0; i < out.cols * out.channels(); ++i) {
            ASSERT_EQ(sample(out, y, i), rule(sample(image.color, y, i)))
                << format.describe() << " " << type << " " << value;
          }
        }
      }
    }
  }
}

TEST(Threshold, EqualsOpenCv) {
  const Tile image = make_image({{67, 41}, {Depth::u8, 3, false}}, Pattern::photo_like, 3);
  cv::Mat expected;
  cv::threshold(image.color, expected, 99.5, 255, cv::THRESH_TOZERO_INV);
  EXPECT_EQ(
      cv::norm(run("threshold", {{"value", 99.5}, {"type", "tozero-inv"}}, image), expected, cv::NORM_INF),
      0);
}

TEST(Triangle, EqualsOpenCvOn8Bit) {
  for (const int channels : {1, 3}) {
    for (const Pattern pattern : patterns) {
      for (const bool negative : {false, true}) {
        Tile image = make_image({{83, 59}, {Depth::u8, channels, false}}, pattern, 4);
        // Most pixels at one end, so that the tail is long and on either side.
        cv::multiply(image.color, image.color, image.color, 1 / 400.0);
        if (negative) {
          cv::bitwise_not(image.color, image.color);
        }
        cv::Mat expected;
        cv::threshold(gray_of(image), expected, 0, 255, cv::THRESH_BINARY | cv::THRESH_TRIANGLE);
        EXPECT_EQ(cv::norm(run("triangle", Json::object(), image), expected, cv::NORM_INF), 0)
            << static_cast<int>(pattern) << " " << negative;
      }
    }
  }
}

/// Walks from the end of the longer tail up to the peak, looking for the largest gap under the line between
/// them.
int slow_triangle(const std::vector<double>& counts) {
  const int last = static_cast<int>(counts.size()) - 1;
  const int peak = static_cast<int>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  int lowest = 0;
  int highest = last;
  while (counts[static_cast<std::size_t>(lowest)] == 0) {
    ++lowest;
  }
  while (counts[static_cast<std::size_t>(highest)] == 0) {
    --highest;
  }
  lowest = std::max(0, lowest - 1);
  highest = std::min(last, highest + 1);
  const int end = peak - lowest < highest - peak ? highest : lowest;
  const int direction = peak > end ? 1 : -1;
  const int tail = std::abs(peak - end);
  double largest = 0;
  int best = end;
  for (int step = 1; step <= tail; ++step) {
    const int level = end + direction * step;
    const double line = counts[static_cast<std::size_t>(peak)] * step;
    const double gap = line - tail * counts[static_cast<std::size_t>(level)];
    if (gap > largest) {
      largest = gap;
      best = level;
    }
  }
  return best - direction;
}

TEST(Triangle, DoesTheSameWith65536Levels) {
  for (const bool negative : {false, true}) {
    Tile image = make_image({{83, 59}, {Depth::u16, 1, false}}, Pattern::noise, 4);
    std::vector<double> counts(65536, 0);
    for (int y = 0; y < image.color.rows; ++y) {
      for (int x = 0; x < image.color.cols; ++x) {
        auto& level = image.color.at<std::uint16_t>(y, x);
        const double part = level / 65535.0;
        level = static_cast<std::uint16_t>(std::floor(3000 * part * part * part) + 500);
        level = negative ? static_cast<std::uint16_t>(65535 - level) : level;
        ++counts[level];
      }
    }
    const int threshold = slow_triangle(counts);
    EXPECT_EQ(threshold > 32768, negative);
    cv::Mat expected;
    cv::threshold(image.color, expected, threshold, 65535, cv::THRESH_BINARY);
    EXPECT_EQ(cv::norm(run("triangle", Json::object(), image), expected, cv::NORM_INF), 0) << threshold;
  }
}

class Adaptive : public ::testing::TestWithParam<std::string> {
 protected:
  bool gaussian() const { return GetParam() == "adaptive-gaussian"; }

  /// By the definition, from the whole image grown by its border.
  cv::Mat slow(const cv::Mat& gray, int block, double c, int border) const {
    const int radius = block / 2;
    cv::Mat grown;
    cv::copyMakeBorder(gray, grown, radius, radius, radius, radius, border,
                       cv::Scalar::all(full_of(gray) / 5));
    grown.convertTo(grown, CV_64F);
    cv::Mat weights(block, block, CV_64F, 1.0);
    if (gaussian()) {
      const double sigma = 0.3 * ((block - 1) / 2.0 - 1) + 0.8;
      const std::vector<double> small = block == 3   ? std::vector<double>{1, 2, 1}
                                        : block == 5 ? std::vector<double>{1, 4, 6, 4, 1}
                                        : block == 7 ? std::vector<double>{2, 7, 14, 18, 14, 7, 2}
                                        : block == 9 ? std::vector<double>{4, 13, 30, 51, 60, 51, 30, 13, 4}
                                                     : std::vector<double>{};
      const auto weight = [&](int i) {
        return small.empty() ? std::exp(-std::pow(i - radius, 2) / (2 * sigma * sigma))
                             : small[static_cast<std::size_t>(i)];
      };
      for (int y = 0; y < block; ++y) {
        for (int x = 0; x < block; ++x) {
          weights.at<double>(y, x) = weight(x) * weight(y);
        }
      }
    }
    weights /= cv::sum(weights)[0];
    const double offset = std::ceil(c * (gray.depth() == CV_8U ? 1 : 257));
    cv::Mat out(gray.size(), gray.type());
    for (int y = 0; y < gray.rows; ++y) {
      for (int x = 0; x < gray.cols; ++x) {
        const double mean = std::nearbyint(weights.dot(grown(cv::Rect(x, y, block, block))));
        const double value = grown.at<double>(y + radius, x + radius) > mean - offset ? full_of(gray) : 0;
        out.ptr(y)[x * static_cast<int>(gray.elemSize())] = static_cast<uchar>(value);
        if (gray.depth() == CV_16U) {
          out.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(value);
        }
      }
    }
    return out;
  }
};

TEST_P(Adaptive, EqualsOpenCvOn8BitWithReplicatedBorder) {
  for (const Extent extent : {Extent{211, 83}, Extent{64, 48}, Extent{37, 90}}) {
    for (const int channels : {1, 3}) {
      for (const Pattern pattern : patterns) {
        const Tile image = make_image({extent, {Depth::u8, channels, false}}, pattern, 6);
        for (const int block : {3, 5, 11, 15, 17, 31, 101, 255}) {
          for (const double c : {-7.5, 0.0, 0.4, 5.0}) {
            cv::Mat expected;
            cv::adaptiveThreshold(gray_of(image), expected, 255,
                                  gaussian() ? cv::ADAPTIVE_THRESH_GAUSSIAN_C : cv::ADAPTIVE_THRESH_MEAN_C,
                                  cv::THRESH_BINARY, block, c);
            const cv::Mat out =
                run(GetParam(), {{"block-size", block}, {"c", c}, {"border", "replicate"}}, image);
            ASSERT_EQ(cv::countNonZero(out != expected), 0)
                << extent.width << "x" << extent.height << " block " << block << " c " << c << " pattern "
                << static_cast<int>(pattern);
          }
        }
      }
    }
  }
}

TEST_P(Adaptive, FollowsItsDefinitionForEveryBorderAndDepth) {
  const std::vector<std::pair<std::string, int>> borders{{"reflect101", cv::BORDER_REFLECT_101},
                                                         {"replicate", cv::BORDER_REPLICATE},
                                                         {"wrap", cv::BORDER_WRAP},
                                                         {"constant", cv::BORDER_CONSTANT}};
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{45, 33}, format}, Pattern::photo_like, 8);
    for (const auto& [name, border] : borders) {
      for (const int block : {3, 5, 7, 9, 11, 21}) {
        const cv::Mat out = run(
            GetParam(), {{"block-size", block}, {"c", 1.3}, {"border", name}, {"border-value", 51}}, image);
        ASSERT_EQ(cv::countNonZero(out != slow(gray_of(image), block, 1.3, border)), 0)
            << format.describe() << " " << name << " " << block;
      }
    }
  }
}

TEST_P(Adaptive, RefusesAnEvenBlock) {
  EXPECT_THROW(static_cast<void>(build_operator(GetParam(), {{"block-size", 10}})), Error);
}

INSTANTIATE_TEST_SUITE_P(Both, Adaptive, ::testing::Values("adaptive-mean", "adaptive-gaussian"),
                         [](const auto& param) {
                           return param.param == "adaptive-mean" ? "Mean" : "Gaussian";
                         });

TEST(GaussianOtsu, EqualsItsParts) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{71, 53}, format}, Pattern::photo_like, 9);
    const Json parameters{{"sigma", 2.5}, {"border", "wrap"}};
    const Tile expected =
        run_reference({build_operator("gaussian-blur", parameters), build_operator("otsu", Json::object())},
                      image)
            .image;
    EXPECT_EQ(difference(run_reference(build_operator("gaussian-otsu", parameters), image).image, expected),
              0);
    EXPECT_GT(difference(run_reference(build_operator("otsu", Json::object()), image).image, expected), 0);
  }
}

}  // namespace
}  // namespace tessera::testing
