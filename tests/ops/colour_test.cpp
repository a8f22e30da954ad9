// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

cv::Mat run(std::string_view name, const Json& parameters, const Tile& image) {
  return run_reference(build_operator(name, parameters), image).image.color;
}

cv::Mat run(std::string_view name, const Tile& image) { return run(name, Json::object(), image); }

double distance(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

int sample(const cv::Mat& plane, int y, int x, int channel) {
  const int index = x * plane.channels() + channel;
  return plane.depth() == CV_8U ? plane.ptr<std::uint8_t>(y)[index] : plane.ptr<std::uint16_t>(y)[index];
}

Depth depth_of_plane(const cv::Mat& plane) { return plane.depth() == CV_8U ? Depth::u8 : Depth::u16; }

/// Calls check(y, x, channel) for every sample.
template <class Check>
void for_each_sample(const cv::Mat& plane, const Check& check) {
  for (int y = 0; y < plane.rows; ++y) {
    for (int x = 0; x < plane.cols; ++x) {
      for (int channel = 0; channel < plane.channels(); ++channel) {
        check(y, x, channel);
        if (::testing::Test::HasFatalFailure()) {
          return;
        }
      }
    }
  }
}

/// Every sample of `out` is the level nearest to value(y, x, channel), which may be off by `slack` itself.
template <class Value>
void expect_nearest(const cv::Mat& out, double slack, const Value& value) {
  const double full = PixelFormat{.depth = depth_of_plane(out)}.max_value();
  for_each_sample(out, [&](int y, int x, int channel) {
    const double expected = std::clamp(static_cast<double>(value(y, x, channel)), 0.0, full);
    ASSERT_LE(std::abs(sample(out, y, x, channel) - expected), 0.5 + slack)
        << "y=" << y << " x=" << x << " channel=" << channel << " expected " << expected;
  });
}

std::vector<std::uint64_t> counts_of(const cv::Mat& plane, int channel) {
  std::vector<std::uint64_t> counts(plane.depth() == CV_8U ? 256 : 65536, 0);
  for_each_sample(plane, [&](int y, int x, int c) {
    if (c == channel) {
      ++counts[static_cast<std::size_t>(sample(plane, y, x, c))];
    }
  });
  return counts;
}

cv::Mat gray_of(const cv::Mat& rgb) {
  cv::Mat gray;
  cv::cvtColor(rgb, gray, cv::COLOR_RGB2GRAY);
  return gray;
}

const std::vector<PixelFormat> formats{
    {Depth::u8, 1, false}, {Depth::u8, 3, false}, {Depth::u16, 1, false}, {Depth::u16, 3, false}};
const std::vector<Pattern> patterns{Pattern::noise, Pattern::zones, Pattern::steps, Pattern::photo_like,
                                    Pattern::constant};

TEST(Invert, IsItsOwnInverse) {
  const Tile image = make_image({{31, 17}, {Depth::u16, 3, true}}, Pattern::noise, 1);
  const Operator invert = build_operator("invert", Json::object());
  const Tile once = run_reference(invert, image).image;
  EXPECT_GT(difference(once, image), 0);
  EXPECT_EQ(difference(run_reference(invert, once).image, image), 0);
}

TEST(Grayscale, EqualsOpenCv) {
  const Tile image = make_image({{64, 48}, {Depth::u8, 3, false}}, Pattern::noise, 2);
  EXPECT_EQ(distance(run("grayscale", image), gray_of(image.color)), 0);
}

TEST(ToRgb, RepeatsGrayAndKeepsRgb) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{33, 21}, format}, Pattern::noise, 2);
    const cv::Mat out = run("to-rgb", image);
    ASSERT_EQ(out.channels(), 3);
    for_each_sample(out, [&](int y, int x, int channel) {
      ASSERT_EQ(sample(out, y, x, channel), sample(image.color, y, x, format.channels == 1 ? 0 : channel));
    });
  }
}

TEST(BrightnessContrast, FollowsItsFormula) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{61, 37}, format}, Pattern::noise, 3);
    const double middle = format.max_value() / 2.0;
    for (const auto& [brightness, contrast] :
         {std::pair{0.0, 1.0}, {40.5, 1.0}, {-60.0, 2.2}, {0.0, 0.0}, {255.0, 0.3}}) {
      const cv::Mat out =
          run("brightness-contrast", {{"brightness", brightness}, {"contrast", contrast}}, image);
      expect_nearest(out, 1e-6, [&, by = brightness, times = contrast](int y, int x, int channel) {
        return (sample(image.color, y, x, channel) - middle) * times + middle + by * format.level_scale();
      });
    }
    EXPECT_EQ(distance(run("brightness-contrast", image), image.color), 0);
  }
}

TEST(Gamma, FollowsItsFormula) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{61, 37}, format}, Pattern::noise, 3);
    for (const double gamma : {0.4, 1.0, 2.2}) {
      expect_nearest(run("gamma", {{"gamma", gamma}}, image), 1e-6, [&](int y, int x, int channel) {
        const double part = sample(image.color, y, x, channel) / static_cast<double>(format.max_value());
        return std::exp(std::log(part) / gamma) * format.max_value();
      });
    }
    EXPECT_EQ(distance(run("gamma", {{"gamma", 1.0}}, image), image.color), 0);
  }
}

TEST(Gamma, CopiesDoNotShareTables) {
  // Two operators of one kind, each at work on both depths, must not see each other's tables.
  const Operator bright = build_operator("gamma", {{"gamma", 3.0}});
  const Operator dark = build_operator("gamma", {{"gamma", 0.3}});
  const Tile image = make_image({{20, 20}, {Depth::u16, 1, false}}, Pattern::photo_like, 3);
  EXPECT_GT(cv::mean(run_reference(bright, image).image.color)[0], cv::mean(image.color)[0]);
  EXPECT_LT(cv::mean(run_reference(dark, image).image.color)[0], cv::mean(image.color)[0]);
}

TEST(Saturate, MovesChannelsAwayFromLuma) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    const Tile image = make_image({{61, 37}, {depth, 3, false}}, Pattern::noise, 4);
    for (const double factor : {0.0, 0.5, 1.0, 2.7}) {
      expect_nearest(run("saturate", {{"factor", factor}}, image), depth == Depth::u8 ? 1e-4 : 0.03,
                     [&](int y, int x, int channel) {
                       const double luma = 0.299 * sample(image.color, y, x, 0) +
                                           0.587 * sample(image.color, y, x, 1) +
                                           0.114 * sample(image.color, y, x, 2);
                       return luma + factor * (sample(image.color, y, x, channel) - luma);
                     });
    }
    EXPECT_EQ(distance(run("saturate", {{"factor", 1.0}}, image), image.color), 0);
  }
}

TEST(Saturate, LeavesGrayPicturesAlone) {
  const Tile image = make_image({{61, 37}, {Depth::u8, 1, false}}, Pattern::noise, 4);
  EXPECT_EQ(distance(run("saturate", {{"factor", 3.0}}, image), image.color), 0);
}

TEST(Hue, TurnsChromaAndKeepsLuma) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    // Colours near gray, so that nothing is clamped.
    Tile image = make_image({{61, 37}, {depth, 3, false}}, Pattern::noise, 4);
    const double full = PixelFormat{.depth = depth}.max_value();
    image.color.convertTo(image.color, -1, 0.2, 0.4 * full);
    for (const double degrees : {-90.0, 33.0, 180.0}) {
      const cv::Mat out = run("hue", {{"degrees", degrees}}, image);
      const double angle = degrees * std::numbers::pi / 180;
      expect_nearest(out, depth == Depth::u8 ? 1e-4 : 0.03, [&](int y, int x, int channel) {
        const double red = sample(image.color, y, x, 0);
        const double green = sample(image.color, y, x, 1);
        const double blue = sample(image.color, y, x, 2);
        const double luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        const double u = 0.492 * (blue - luma);
        const double v = 0.877 * (red - luma);
        const double turned_u = u * std::cos(angle) - v * std::sin(angle);
        const double turned_v = u * std::sin(angle) + v * std::cos(angle);
        const double new_red = luma + turned_v / 0.877;
        const double new_blue = luma + turned_u / 0.492;
        const double new_green = (luma - 0.299 * new_red - 0.114 * new_blue) / 0.587;
        return std::array{new_red, new_green, new_blue}[static_cast<std::size_t>(channel)];
      });
      EXPECT_LE(distance(gray_of(out), gray_of(image.color)), 1);
    }
    for (const double degrees : {0.0, 360.0, -360.0}) {
      EXPECT_EQ(distance(run("hue", {{"degrees", degrees}}, image), image.color), 0) << degrees;
    }
  }
}

TEST(Hue, TurnsRedOverYellowToGreen) {
  Tile image = make_image({{1, 1}, {Depth::u8, 3, false}}, Pattern::constant, 1);
  image.color.setTo(cv::Scalar(160, 100, 100));
  const cv::Vec3b yellowish = run("hue", {{"degrees", 60.0}}, image).at<cv::Vec3b>(0, 0);
  EXPECT_GT(std::min(yellowish[0], yellowish[1]), yellowish[2] + 20);
  const cv::Vec3b greenish = run("hue", {{"degrees", 120.0}}, image).at<cv::Vec3b>(0, 0);
  EXPECT_GT(greenish[1], std::max(greenish[0], greenish[2]));
}

TEST(Sepia, BlendsWithTheBrownTone) {
  const double tone[3][3] = {{0.393, 0.769, 0.189}, {0.349, 0.686, 0.168}, {0.272, 0.534, 0.131}};
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{61, 37}, format}, Pattern::noise, 4);
    for (const double amount : {0.0, 45.0, 100.0}) {
      const cv::Mat out = run("sepia", {{"amount", amount}}, image);
      ASSERT_EQ(out.channels(), 3);
      expect_nearest(out, format.depth == Depth::u8 ? 1e-4 : 0.03, [&](int y, int x, int channel) {
        const auto in = [&](int c) { return sample(image.color, y, x, format.channels == 1 ? 0 : c); };
        double brown = 0;
        for (int c = 0; c < 3; ++c) {
          brown += tone[channel][c] * in(c);
        }
        return (1 - amount / 100) * in(channel) + amount / 100 * brown;
      });
    }
  }
}

TEST(ColorMatrix, GivesAPixelTheSameBytesInEveryColumn) {
  // Whole vectors and what is left over at the end of a row must round alike.
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{1003, 5}, format}, Pattern::noise, 4);
    for (const int shift : {1, 7, 11}) {
      Tile shifted = whole_tile({{1003 - shift, 5}, format});
      image.color.colRange(shift, 1003).copyTo(shifted.color);
      for (const auto& [name, parameters] :
           std::vector<std::pair<std::string, Json>>{{"saturate", {{"factor", 1.37}}},
                                                     {"hue", {{"degrees", 77.0}}},
                                                     {"sepia", {{"amount", 61.0}}}}) {
        EXPECT_EQ(
            distance(run(name, parameters, image).colRange(shift, 1003), run(name, parameters, shifted)), 0)
            << name << " " << format.describe() << " " << shift;
      }
    }
  }
}

TEST(WhiteBalance, MakesTheAverageGray) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    Tile image = make_image({{61, 37}, {depth, 3, false}}, Pattern::photo_like, 4);
    cv::multiply(image.color, cv::Scalar(0.5, 0.8, 0.3), image.color);
    cv::Scalar sums = cv::Scalar::all(0);
    for_each_sample(image.color, [&](int y, int x, int c) { sums[c] += sample(image.color, y, x, c); });
    expect_nearest(run("white-balance", image), 1e-6, [&](int y, int x, int c) {
      return sample(image.color, y, x, c) * (sums[0] + sums[1] + sums[2]) / 3 / sums[c];
    });
  }
}

TEST(WhiteBalance, KeepsGrayPicturesAndEmptyChannels) {
  const Tile gray = make_image({{61, 37}, {Depth::u16, 1, false}}, Pattern::photo_like, 4);
  EXPECT_EQ(distance(run("white-balance", gray), gray.color), 0);
  Tile image = make_image({{9, 9}, {Depth::u8, 3, false}}, Pattern::noise, 4);
  image.color.setTo(cv::Scalar(90, 30, 0));
  EXPECT_EQ(run("white-balance", image).at<cv::Vec3b>(4, 4), cv::Vec3b(40, 40, 0));
}

/// The levels that stretch to black and white, found by counting afresh for every level.
std::pair<int, int> slow_range(const std::vector<std::uint64_t>& counts, double dark, double bright) {
  const auto last = counts.size() - 1;
  double total = 0;
  for (const std::uint64_t count : counts) {
    total += static_cast<double>(count);
  }
  std::pair<int, int> range{-1, -1};
  double below = 0;
  for (std::size_t level = 0; level <= last; ++level) {
    below += static_cast<double>(counts[level]);
    const double from_here = total - below + static_cast<double>(counts[level]);
    if (range.first < 0 && below * 100 > total * dark) {
      range.first = static_cast<int>(level);
    }
    if (from_here * 100 > total * bright) {
      range.second = static_cast<int>(level);
    }
  }
  return range;
}

TEST(AutoLevels, StretchesBetweenPercentiles) {
  for (const PixelFormat& format : formats) {
    Tile image = make_image({{61, 37}, format}, Pattern::photo_like, 4);
    cv::multiply(image.color, cv::Scalar(0.5, 0.7, 0.3), image.color);
    for (const bool per_channel : {false, true}) {
      for (const auto& [dark, bright] : {std::pair{0.0, 0.0}, {1.0, 2.5}, {10.0, 0.0}}) {
        std::vector<std::vector<std::uint64_t>> counts;
        for (int c = 0; c < format.channels; ++c) {
          counts.push_back(counts_of(image.color, c));
        }
        if (!per_channel) {
          for (std::size_t c = 1; c < counts.size(); ++c) {
            for (std::size_t level = 0; level < counts[0].size(); ++level) {
              counts[0][level] += counts[c][level];
            }
          }
          counts.assign(3, std::vector<std::uint64_t>(counts[0]));
        }
        const cv::Mat out =
            run("auto-levels", {{"clip-dark", dark}, {"clip-bright", bright}, {"per-channel", per_channel}},
                image);
        std::vector<std::pair<int, int>> ranges;
        for (const auto& of_channel : counts) {
          ranges.push_back(slow_range(of_channel, dark, bright));
        }
        expect_nearest(out, 1e-6, [&](int y, int x, int c) {
          const auto [low, high] = ranges[static_cast<std::size_t>(c)];
          return (sample(image.color, y, x, c) - low) * static_cast<double>(format.max_value()) /
                 (high - low);
        });
      }
    }
  }
}

TEST(AutoLevels, LeavesConstantPicturesAlone) {
  const Tile image = make_image({{8, 8}, {Depth::u8, 3, false}}, Pattern::constant, 4);
  EXPECT_EQ(distance(run("auto-levels", image), image.color), 0);
}

/// What an operator on luma does to an RGB picture, given the new luma.
void expect_luma_replaced(const cv::Mat& in, const cv::Mat& changed, const cv::Mat& out) {
  const cv::Mat luma = gray_of(in);
  expect_nearest(out, 0, [&](int y, int x, int channel) {
    return sample(in, y, x, channel) + sample(changed, y, x, 0) - sample(luma, y, x, 0);
  });
}

/// Through YCrCb and back, as it is commonly done; roundings and clamped colours apart the same.
cv::Mat through_ycrcb(const cv::Mat& in, const cv::Mat& changed) {
  cv::Mat converted;
  cv::cvtColor(in, converted, cv::COLOR_RGB2YCrCb);
  cv::insertChannel(changed, converted, 0);
  cv::cvtColor(converted, converted, cv::COLOR_YCrCb2RGB);
  return converted;
}

TEST(Equalize, EqualsOpenCvOn8BitGray) {
  for (const Pattern pattern : patterns) {
    const Tile image = make_image({{123, 77}, {Depth::u8, 1, false}}, pattern, 5);
    cv::Mat expected;
    cv::equalizeHist(image.color, expected);
    EXPECT_EQ(distance(run("equalize", image), expected), 0) << static_cast<int>(pattern);
  }
}

TEST(Equalize, DoesTheSameWith65536Levels) {
  for (const Pattern pattern : {Pattern::noise, Pattern::steps, Pattern::photo_like}) {
    const Tile image = make_image({{61, 37}, {Depth::u16, 1, false}}, pattern, 5);
    std::vector<int> sorted(image.color.begin<std::uint16_t>(), image.color.end<std::uint16_t>());
    std::sort(sorted.begin(), sorted.end());
    const auto rank = [&](int level) {
      return static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), level) - sorted.begin());
    };
    const double lowest = rank(sorted.front());
    expect_nearest(run("equalize", image), 1e-6, [&](int y, int x, int) {
      const int level = sample(image.color, y, x, 0);
      return level == sorted.front()
                 ? 0
                 : (rank(level) - lowest) / (static_cast<double>(sorted.size()) - lowest) * 65535;
    });
  }
}

TEST(Equalize, ReplacesTheLumaOfRgb) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    Tile image = make_image({{61, 37}, {depth, 3, false}}, Pattern::photo_like, 5);
    Tile luma = whole_tile({{61, 37}, {depth, 1, false}});
    gray_of(image.color).copyTo(luma.color);
    expect_luma_replaced(image.color, run("equalize", luma), run("equalize", image));
  }
  const Tile image = make_image({{61, 37}, {Depth::u8, 3, false}}, Pattern::photo_like, 5);
  cv::Mat equalized;
  cv::equalizeHist(gray_of(image.color), equalized);
  EXPECT_LE(distance(run("equalize", image), through_ycrcb(image.color, equalized)), 2);
}

TEST(Clahe, EqualsOpenCvOnGray) {
  struct Case {
    double clip_limit;
    int tiles_x;
    int tiles_y;
  };
  // Sizes that both, one or neither of the tile counts divides, and fewer pixels than tiles.
  for (const Extent extent : {Extent{128, 64}, Extent{123, 77}, Extent{120, 77}, Extent{123, 80},
                              Extent{7, 5}, Extent{1, 30}, Extent{30, 1}}) {
    for (const Depth depth : {Depth::u8, Depth::u16}) {
      for (const Pattern pattern : {Pattern::noise, Pattern::photo_like, Pattern::constant}) {
        const Tile image = make_image({extent, {depth, 1, false}}, pattern, 5);
        for (const auto& [clip_limit, tiles_x, tiles_y] :
             {Case{2, 8, 8}, Case{40, 4, 16}, Case{0, 3, 5}, Case{1.7, 1, 1}, Case{900, 16, 2}}) {
          cv::Mat expected;
          cv::createCLAHE(clip_limit, {tiles_x, tiles_y})->apply(image.color, expected);
          ASSERT_EQ(
              distance(run("clahe", {{"clip-limit", clip_limit}, {"tiles-x", tiles_x}, {"tiles-y", tiles_y}},
                           image),
                       expected),
              0)
              << extent.width << "x" << extent.height << " " << PixelFormat{depth, 1}.describe() << " "
              << clip_limit << " " << tiles_x << "x" << tiles_y;
        }
      }
    }
  }
}

TEST(Clahe, ReplacesTheLumaOfRgb) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    const Tile image = make_image({{123, 77}, {depth, 3, false}}, Pattern::photo_like, 5);
    cv::Mat changed;
    cv::createCLAHE(2, {8, 8})->apply(gray_of(image.color), changed);
    const cv::Mat out = run("clahe", image);
    expect_luma_replaced(image.color, changed, out);
    if (depth == Depth::u8) {
      EXPECT_LE(distance(out, through_ycrcb(image.color, changed)), 2);
    }
  }
}

}  // namespace
}  // namespace tessera::testing
