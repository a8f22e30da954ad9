// SPDX-License-Identifier: Apache-2.0
// Neighbourhood operators against OpenCV's own functions on the whole image, ghost pixels added beforehand.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "ops/blur/bilateral.hpp"
#include "ops/blur/bilateral_8bit.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

constexpr int margin = 24;

/// What `filter` makes of the image with `margin` ghost pixels on each side, without them.
template <class Filter>
cv::Mat on_whole(const Tile& image, Border border, const Filter& filter) {
  const Tile grown = fetch(image, Halo::all(margin).grow(image.rect), border, 40);
  cv::Mat out;
  filter(grown.color, out);
  return out(cv::Rect(margin, margin, image.color.cols, image.color.rows)).clone();
}

const std::vector<PixelFormat> formats{
    {Depth::u8, 1, false}, {Depth::u8, 3, false}, {Depth::u16, 1, false}, {Depth::u16, 3, false}};
const std::vector<std::string> borders{"reflect101", "replicate", "constant", "wrap"};

template <class Filter>
void expect_equal(const std::string& name, Json parameters, const Filter& filter, double tolerance = 0) {
  for (const PixelFormat& format : formats) {
    for (std::size_t border = 0; border < borders.size(); ++border) {
      const Tile image = make_image({{61, 47}, format}, Pattern::photo_like, 9);
      parameters["border"] = borders[border];
      parameters["border-value"] = 40.0;
      const cv::Mat expected = on_whole(image, static_cast<Border>(border), filter);
      const Outcome outcome = run_reference(build_operator(name, parameters), image);
      EXPECT_LE(cv::norm(outcome.image.color, expected, cv::NORM_INF), tolerance)
          << name << " " << parameters << " " << format.describe();
    }
  }
}

TEST(Filters, BlursEqualOpenCv) {
  expect_equal("box-blur", {{"radius", 3}}, [](const cv::Mat& in, cv::Mat& out) {
    cv::blur(in, out, {7, 7});
  });
  expect_equal("gaussian-blur", {{"sigma", 2.0}}, [](const cv::Mat& in, cv::Mat& out) {
    const int size = in.depth() == CV_8U ? 13 : 17;
    cv::GaussianBlur(in, out, {size, size}, 2);
  });
  expect_equal("median", {{"size", 5}}, [](const cv::Mat& in, cv::Mat& out) { cv::medianBlur(in, out, 5); });
}

/// A kernel in slices against one call of OpenCV's on the whole picture.
template <class Filter>
void expect_same_in_slices(const std::string& name, const Json& parameters, int halo,
                           const PixelFormat& format, const Filter& filter) {
  const Tile image = make_image({{150, 90}, format}, Pattern::photo_like, 5);
  const Tile grown = fetch(image, Halo::all(halo).grow(image.rect), Border::reflect101, 0);
  cv::Mat whole;
  filter(grown.color, whole);
  const cv::Mat expected = whole(cv::Rect(halo, halo, image.color.cols, image.color.rows));
  const Outcome outcome = run_reference(build_operator(name, parameters), image);
  EXPECT_EQ(cv::norm(outcome.image.color, expected, cv::NORM_INF), 0)
      << name << " " << parameters << " " << format.describe();
}

TEST(Filters, WideKernelsInSlicesGiveTheBytesOfOneCall) {
  for (const PixelFormat& format : formats) {
    const bool narrow = format.depth == Depth::u8;
    for (const double sigma : {8.1, 16.7, 40.0, 64.0}) {
      const int radius = static_cast<int>(std::ceil((narrow ? 3 : 4) * sigma));
      expect_same_in_slices("gaussian-blur", {{"sigma", sigma}}, radius, format,
                            [&](const cv::Mat& in, cv::Mat& out) {
                              cv::GaussianBlur(in, out, {2 * radius + 1, 2 * radius + 1}, sigma);
                            });
    }
    expect_same_in_slices("non-local-means", {{"strength", 9}, {"template-radius", 2}, {"search-radius", 20}},
                          22, format, [&](const cv::Mat& in, cv::Mat& out) {
                            cv::fastNlMeansDenoising(in, out, std::vector<float>(1, narrow ? 9.F : 9.F * 257),
                                                     5, 41, narrow ? cv::NORM_L2 : cv::NORM_L1);
                          });
    if (narrow) {
      expect_same_in_slices(
          "bilateral", {{"radius", 40}, {"sigma-color", 30}, {"sigma-space", 20}}, 40, format,
          [](const cv::Mat& in, cv::Mat& out) { cv::bilateralFilter(in, out, 81, 30, 20); });
    }
  }
}

TEST(Filters, BoxBlurOfSixteenBitsIsTheRoundedMean) {
  const Tile image = make_image({{61, 47}, {Depth::u16, 3, false}}, Pattern::noise, 2);
  for (const int radius : {3, 10, 24}) {
    const cv::Mat blurred =
        run_reference(build_operator("box-blur", {{"radius", radius}}), image).image.color;
    const Tile grown = fetch(image, Halo::all(radius).grow(image.rect), Border::reflect101, 0);
    const std::uint64_t area =
        static_cast<std::uint64_t>(2 * radius + 1) * static_cast<std::uint64_t>(2 * radius + 1);
    for (int y = 0; y < blurred.rows; y += 7) {
      for (int i = 0; i < blurred.cols * 3; ++i) {
        std::uint64_t sum = 0;
        for (int dy = 0; dy <= 2 * radius; ++dy) {
          for (int dx = 0; dx <= 2 * radius; ++dx) {
            sum += grown.color.ptr<std::uint16_t>(y + dy)[i + dx * 3];
          }
        }
        ASSERT_EQ(blurred.ptr<std::uint16_t>(y)[i], (sum + area / 2) / area) << radius;
      }
    }
  }
}

TEST(Filters, MedianOfSixteenBitsEqualsThatOfEight) {
  const Tile narrow = make_image({{40, 30}, {Depth::u8, 3, false}}, Pattern::noise, 4);
  Tile wide = whole_tile({{40, 30}, {Depth::u16, 3, false}});
  narrow.color.convertTo(wide.color, CV_16U, 257);
  for (const int size : {3, 7, 11}) {
    const Operator median = build_operator("median", {{"size", size}});
    cv::Mat expected;
    run_reference(median, narrow).image.color.convertTo(expected, CV_16U, 257);
    EXPECT_EQ(cv::norm(run_reference(median, wide).image.color, expected, cv::NORM_INF), 0) << size;
  }
}

TEST(Filters, DenoisersEqualOpenCvOnEightBits) {
  const Tile image = make_image({{61, 47}, {Depth::u8, 3, false}}, Pattern::photo_like, 9);
  const cv::Mat bilateral = on_whole(image, Border::reflect101, [](const cv::Mat& in, cv::Mat& out) {
    cv::bilateralFilter(in, out, 9, 30, 3);
  });
  EXPECT_EQ(cv::norm(run_reference(build_operator("bilateral", Json::object()), image).image.color, bilateral,
                     cv::NORM_INF),
            0);
  const cv::Mat denoised = on_whole(image, Border::reflect101, [](const cv::Mat& in, cv::Mat& out) {
    cv::fastNlMeansDenoising(in, out, 8, 7, 15);
  });
  EXPECT_EQ(cv::norm(run_reference(build_operator("non-local-means", Json::object()), image).image.color,
                     denoised, cv::NORM_INF),
            0);
}

TEST(Filters, BilateralIsTheSameWithoutVectors) {
  for (const int channels : {1, 3}) {
    for (const int radius : {1, 4, 9}) {
      for (const std::int64_t width : {1, 9, 30, 32, 45, 64, 95, 301}) {
        const Tile image = make_image({{width, 23}, {Depth::u8, channels, false}}, Pattern::noise, 3);
        const Tile grown = fetch(image, Halo::all(radius).grow(image.rect), Border::reflect101, 0);
        Bilateral op;
        op.radius = radius;
        op.sigma_color = 60;
        cv::Mat without(grown.color.size(), grown.color.type());
        bilateral_8bit(grown.color, without, op, {});
        cv::Mat with(grown.color.size(), grown.color.type());
        op.run(grown.color, with, {});
        const cv::Rect inside(radius, radius, image.color.cols, image.color.rows);
        EXPECT_EQ(cv::norm(without(inside), with(inside), cv::NORM_INF), 0)
            << channels << " channels, radius " << radius << ", width " << width;
      }
    }
  }
}

TEST(Filters, BilateralOfSixteenBitsIsThatOfEightWithinALevel) {
  const Tile narrow = make_image({{40, 30}, {Depth::u8, 3, false}}, Pattern::photo_like, 4);
  Tile wide = whole_tile({{40, 30}, {Depth::u16, 3, false}});
  narrow.color.convertTo(wide.color, CV_16U, 257);
  const Operator bilateral = build_operator("bilateral", {{"radius", 3}});
  cv::Mat reduced;
  run_reference(bilateral, wide).image.color.convertTo(reduced, CV_8U, 1 / 257.0);
  EXPECT_LE(cv::norm(reduced, run_reference(bilateral, narrow).image.color, cv::NORM_INF), 1);
}

TEST(Filters, MotionAlongARowIsAOneRowMean) {
  expect_equal("motion-blur", {{"length", 7}, {"angle", 0.0}}, [](const cv::Mat& in, cv::Mat& out) {
    cv::blur(in, out, {7, 1});
  });
  expect_equal("motion-blur", {{"length", 9}, {"angle", 90.0}}, [](const cv::Mat& in, cv::Mat& out) {
    cv::blur(in, out, {1, 9});
  });
}

TEST(Filters, MotionAtAnyAngleIsTheMeanAlongItsLine) {
  for (const auto& [length, angle] : {std::pair{9, 30.0}, {8, -77.5}, {15, 135.0}, {2, 45.0}}) {
    // The definition as a kernel: how often each place is visited.
    const int reach = length / 2;
    cv::Mat visits = cv::Mat::zeros(2 * reach + 1, 2 * reach + 1, CV_64F);
    for (int i = 0; i < length; ++i) {
      const double t = i - (length - 1) / 2.0;
      const double radians = angle * CV_PI / 180;
      const auto x = static_cast<int>(std::round(t * std::cos(radians)));
      const auto y = static_cast<int>(std::round(-t * std::sin(radians)));
      visits.at<double>(reach + y, reach + x) += 1;
    }
    const Tile image = make_image({{61, 47}, {Depth::u8, 3, false}}, Pattern::noise, 9);
    const Tile grown = fetch(image, Halo::all(reach).grow(image.rect), Border::reflect101, 0);
    const cv::Mat blurred =
        run_reference(build_operator("motion-blur", {{"length", length}, {"angle", angle}}), image)
            .image.color;
    for (int y = 0; y < blurred.rows; ++y) {
      for (int x = 0; x < blurred.cols; ++x) {
        double sum = 0;
        for (int dy = 0; dy < visits.rows; ++dy) {
          for (int dx = 0; dx < visits.cols; ++dx) {
            sum += visits.at<double>(dy, dx) * grown.color.at<cv::Vec3b>(y + dy, x + dx)[1];
          }
        }
        ASSERT_EQ(blurred.at<cv::Vec3b>(y, x)[1], std::floor(sum / length + 0.5))
            << length << " at " << angle << ": " << x << "," << y;
      }
    }
  }
}

TEST(Filters, NonLocalMeansEqualsOpenCvForAnyWindowsAndStrength) {
  for (const int channels : {1, 3}) {
    // Wider than what the kernel takes at once, and not a multiple of its vectors.
    const Tile image = make_image({{301, 19}, {Depth::u8, channels, false}}, Pattern::photo_like, 9);
    struct Window {
      double strength;
      int template_radius;
      int search_radius;
    };
    for (const Window window : {Window{0.5, 3, 7}, {2.0, 1, 1}, {8.0, 7, 2}, {25.0, 2, 20}, {100.0, 3, 5}}) {
      const cv::Mat expected = on_whole(image, Border::reflect101, [&](const cv::Mat& in, cv::Mat& out) {
        cv::fastNlMeansDenoising(in, out, static_cast<float>(window.strength), 2 * window.template_radius + 1,
                                 2 * window.search_radius + 1);
      });
      const Json parameters{{"strength", window.strength},
                            {"template-radius", window.template_radius},
                            {"search-radius", window.search_radius}};
      const cv::Mat denoised =
          run_reference(build_operator("non-local-means", parameters), image).image.color;
      EXPECT_EQ(cv::norm(denoised, expected, cv::NORM_INF), 0) << channels << " " << parameters.dump();
    }
  }
}

TEST(Filters, NonLocalMeansOfSixteenBitsEqualsOpenCvAndCalmsNoise) {
  for (const PixelFormat& format : {PixelFormat{Depth::u16, 1, false}, PixelFormat{Depth::u16, 3, false}}) {
    const Tile image = make_image({{61, 47}, format}, Pattern::photo_like, 9);
    const cv::Mat expected = on_whole(image, Border::reflect101, [](const cv::Mat& in, cv::Mat& out) {
      cv::fastNlMeansDenoising(in, out, std::vector<float>{8 * 257.0F}, 7, 15, cv::NORM_L1);
    });
    const cv::Mat denoised =
        run_reference(build_operator("non-local-means", Json::object()), image).image.color;
    EXPECT_EQ(cv::norm(denoised, expected, cv::NORM_INF), 0) << format.describe();
    EXPECT_GT(cv::norm(denoised, image.color, cv::NORM_INF), 0) << format.describe();
  }
}

TEST(Filters, SharpeningEqualsItsKernel) {
  const auto& info = find_operator("sharpen").info;
  expect_equal(
      "sharpen", {{"amount", 1.0}},
      [](const cv::Mat& in, cv::Mat& out) {
        cv::filter2D(in, out, -1, cv::Matx33f(0, -1, 0, -1, 5, -1, 0, -1, 0));
      },
      info.tolerance);
}

TEST(Filters, UnsharpMaskAddsTheDifference) {
  const Tile image = make_image({{50, 40}, {Depth::u8, 3, false}}, Pattern::photo_like, 3);
  const cv::Mat blurred = run_reference(build_operator("gaussian-blur", {{"sigma", 2.0}}), image).image.color;
  const cv::Mat sharpened =
      run_reference(build_operator("unsharp-mask", {{"sigma", 2.0}, {"amount", 1.5}, {"threshold", 4.0}}),
                    image)
          .image.color;
  for (int y = 0; y < image.color.rows; ++y) {
    for (int i = 0; i < image.color.cols * 3; ++i) {
      const int p = image.color.ptr(y)[i];
      const int d = p - blurred.ptr(y)[i];
      const int expected = std::abs(d) <= 4 ? p : cv::saturate_cast<std::uint8_t>(p + 1.5 * d);
      ASSERT_EQ(sharpened.ptr(y)[i], expected);
    }
  }
}

template <class Derive>
auto length_of(const Derive& derive) {
  return [derive](const cv::Mat& in, cv::Mat& out) {
    cv::Mat gx;
    cv::Mat gy;
    derive(in, gx, gy);
    cv::Mat length;
    cv::sqrt(gx.mul(gx) + gy.mul(gy), length);
    length.convertTo(out, in.depth());
  };
}

TEST(Filters, EdgesEqualOpenCvDerivatives) {
  for (const int size : {3, 5, 7}) {
    expect_equal("sobel", {{"size", size}}, length_of([size](const cv::Mat& in, cv::Mat& gx, cv::Mat& gy) {
                   cv::Sobel(in, gx, CV_64F, 1, 0, size);
                   cv::Sobel(in, gy, CV_64F, 0, 1, size);
                 }));
  }
  expect_equal("prewitt", Json::object(), length_of([](const cv::Mat& in, cv::Mat& gx, cv::Mat& gy) {
                 cv::filter2D(in, gx, CV_64F, cv::Matx33d(-1, 0, 1, -1, 0, 1, -1, 0, 1));
                 cv::filter2D(in, gy, CV_64F, cv::Matx33d(-1, -1, -1, 0, 0, 0, 1, 1, 1));
               }));
  expect_equal("roberts", Json::object(), length_of([](const cv::Mat& in, cv::Mat& gx, cv::Mat& gy) {
                 cv::filter2D(in, gx, CV_64F, cv::Matx22d(1, 0, 0, -1), {0, 0});
                 cv::filter2D(in, gy, CV_64F, cv::Matx22d(0, 1, -1, 0), {0, 0});
               }));
  for (const int size : {1, 3, 5}) {
    expect_equal("laplacian", {{"size", size}}, [size](const cv::Mat& in, cv::Mat& out) {
      cv::Mat second;
      cv::Laplacian(in, second, CV_64F, size);
      cv::Mat(cv::abs(second)).convertTo(out, in.depth());
    });
  }
}

TEST(Filters, MorphologyEqualsOpenCv) {
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_ELLIPSE, {5, 5});
  expect_equal("erode", {{"size", 5}}, [&](const cv::Mat& in, cv::Mat& out) { cv::erode(in, out, element); });
  expect_equal("dilate", {{"size", 5}},
               [&](const cv::Mat& in, cv::Mat& out) { cv::dilate(in, out, element); });
  expect_equal("gradient", {{"size", 5}}, [&](const cv::Mat& in, cv::Mat& out) {
    cv::morphologyEx(in, out, cv::MORPH_GRADIENT, element);
  });
}

TEST(Filters, HatsAreWhatOpeningAndClosingChange) {
  for (const auto& border : borders) {
    for (const Extent& extent : {Extent{61, 47}, Extent{5, 3}, Extent{1, 9}}) {
      for (const PixelFormat& format : formats) {
        const Tile image = make_image({extent, format}, Pattern::noise, 12);
        const Json parameters{{"size", 7}, {"shape", "cross"}, {"border", border}, {"border-value", 90.0}};
        const auto run = [&](const char* name) {
          return run_reference(build_operator(name, parameters), image).image.color;
        };
        cv::Mat top;
        cv::Mat black;
        cv::subtract(image.color, run("open"), top);
        cv::subtract(run("close"), image.color, black);
        EXPECT_EQ(cv::norm(run("top-hat"), top, cv::NORM_INF), 0) << border << " " << extent.width;
        EXPECT_EQ(cv::norm(run("black-hat"), black, cv::NORM_INF), 0) << border << " " << extent.width;
      }
    }
  }
}

}  // namespace
}  // namespace tessera::testing
