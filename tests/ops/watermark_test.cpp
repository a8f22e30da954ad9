// SPDX-License-Identifier: Apache-2.0
// Watermarks against a slow, obvious blending of the mark as a separate picture.
#include "ops/composition/watermark.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

Operator watermark(const Json& parameters) { return build_operator("watermark", parameters, sample_image); }

/// Value 0..1 of a sample.
double level(const Tile& tile, int x, int y, int channel) {
  const cv::Mat& color = tile.color;
  return color.depth() == CV_8U ? color.ptr<uchar>(y)[x * color.channels() + channel] / 255.0
                                : color.ptr<std::uint16_t>(y)[x * color.channels() + channel] / 65535.0;
}

TEST(Watermark, BlendsAnImageAtItsPlace) {
  const Tile mark = sample_image("");
  struct Case {
    const char* position;
    std::int64_t left;
    std::int64_t top;
  };
  // Picture 100 x 80, mark 23 x 17, margin 3.
  for (const Case& expected :
       {Case{"top-left", 3, 3}, Case{"top", 38, 3}, Case{"top-right", 74, 3}, Case{"left", 3, 31},
        Case{"center", 38, 31}, Case{"right", 74, 31}, Case{"bottom-left", 3, 60}, Case{"bottom", 38, 60},
        Case{"bottom-right", 74, 60}}) {
    for (const Depth depth : {Depth::u8, Depth::u16}) {
      for (const int channels : {1, 3}) {
        const Tile image = make_image({{100, 80}, {depth, channels, true}}, Pattern::photo_like, 9);
        const Tile result = run_reference(watermark({{"image", "x"},
                                                     {"width", 0},
                                                     {"opacity", 0.7},
                                                     {"margin", 3},
                                                     {"position", expected.position}}),
                                          image)
                                .image;
        const double step = depth == Depth::u8 ? 1.0 / 255 : 1.0 / 65535;
        for (int y = 0; y < 80; ++y) {
          for (int x = 0; x < 100; ++x) {
            const std::int64_t mx = x - expected.left;
            const std::int64_t my = y - expected.top;
            const bool inside = mx >= 0 && mx < 23 && my >= 0 && my < 17;
            const double alpha =
                inside
                    ? mark.alpha.at<std::uint16_t>(static_cast<int>(my), static_cast<int>(mx)) / 65535.0 * 0.7
                    : 0;
            for (int c = 0; c < channels; ++c) {
              double color = 0;
              if (inside) {
                const auto at = [&](int channel) {
                  return level(mark, static_cast<int>(mx), static_cast<int>(my), channel);
                };
                color = channels == 3 ? at(c) : 0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2);
              }
              const double wanted = level(image, x, y, c) * (1 - alpha) + color * alpha;
              ASSERT_NEAR(level(result, x, y, c), wanted, 0.502 * step + 2e-5)
                  << expected.position << " at " << x << ',' << y;
              if (!inside) {
                ASSERT_EQ(level(result, x, y, c), level(image, x, y, c));
              }
            }
          }
        }
        EXPECT_EQ(cv::norm(result.alpha, image.alpha, cv::NORM_INF), 0);
      }
    }
  }
}

TEST(Watermark, RepeatsItselfWhenTiled) {
  Tile image = make_image({{200, 150}, {Depth::u8, 3, false}}, Pattern::photo_like, 2);
  image.color.setTo(cv::Scalar::all(40));
  const Tile result =
      run_reference(
          watermark({{"image", "x"}, {"width", 0}, {"opacity", 1}, {"margin", 2}, {"position", "tile"}}),
          image)
          .image;
  // Margin 4, so a step is 23 + 8 and 17 + 8.
  for (int y = 4; y + 25 < 150; ++y) {
    for (int x = 4; x + 31 < 200; ++x) {
      ASSERT_EQ(result.color.at<cv::Vec3b>(y, x), result.color.at<cv::Vec3b>(y + 25, x + 31))
          << x << ',' << y;
    }
  }
  EXPECT_GT(cv::norm(result.color, image.color, cv::NORM_INF), 50);
}

TEST(Watermark, TextIsAsWideAsAskedAndLegible) {
  Tile image = make_image({{640, 400}, {Depth::u8, 3, false}}, Pattern::photo_like, 2);
  image.color.setTo(cv::Scalar::all(0));
  for (const char* const text : {"Tessera", "Größe 7 – «ж»", "i"}) {
    for (const double width : {10.0, 50.0}) {
      const Tile result =
          run_reference(watermark({{"text", text}, {"width", width}, {"opacity", 1}, {"color", "#ff8000"}}),
                        image)
              .image;
      cv::Mat red;
      cv::extractChannel(result.color, red, 0);
      const cv::Rect ink = cv::boundingRect(red);
      if (std::string_view(text) != "i") {
        EXPECT_NEAR(ink.width, 640 * width / 100, 3) << text;
      }
      EXPECT_NEAR(ink.br().x, 640 - 13, 2) << text;
      EXPECT_NEAR(ink.br().y, 400 - 13, 2) << text;
      double most = 0;
      cv::minMaxLoc(red, nullptr, &most);
      EXPECT_GT(most, 200);
      for (const cv::Vec3b& pixel : cv::Mat_<cv::Vec3b>(result.color)) {
        ASSERT_NEAR(pixel[1], pixel[0] * 128 / 255.0, 1);
        ASSERT_EQ(pixel[2], 0);
      }
    }
  }
  // An l is a bar: full ink in its middle, none beside it.
  const MarkPicture bar = mark_from_text("l", 100, {255, 255, 255});
  EXPECT_GT(bar.alpha.rows, 4 * bar.alpha.cols);
  EXPECT_EQ(bar.alpha.at<float>(bar.alpha.rows / 2, bar.alpha.cols / 2), 1.0F);
}

TEST(Watermark, SaysWhatIsWrong) {
  const auto refusal = [](const Json& parameters, const ImageLoader& load = sample_image) -> std::string {
    try {
      static_cast<void>(build_operator("watermark", parameters, load));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal(Json::object()).find("give text or image"), std::string::npos);
  EXPECT_NE(refusal({{"text", "a"}, {"image", "b"}}).find("leave one out"), std::string::npos);
  EXPECT_NE(refusal({{"text", "   "}}).find("no ink"), std::string::npos);
  EXPECT_NE(refusal({{"text", "a\nb"}}).find("control character"), std::string::npos);
  EXPECT_NE(refusal({{"text", std::string(201, 'a')}}).find("limit is 200"), std::string::npos);
  EXPECT_NE(refusal({{"text", "\xff\xfe"}}).find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal({{"image", "b"}}, {}).find("use text"), std::string::npos);
  EXPECT_NE(refusal({{"text", "a 漢字漢"}}).find("(U+6F22, U+5B57)"), std::string::npos);
  EXPECT_NE(refusal({{"text", "שלום"}}).find("U+05E9 (Hebrew)"), std::string::npos);
  EXPECT_NE(refusal({{"text", "مرحبا"}}).find("(Arabic)"), std::string::npos);
  EXPECT_EQ(refusal({{"text", "Ünïcödé Ελληνικά Кириллица €“”"}}), "");
}

}  // namespace
}  // namespace tessera::testing
