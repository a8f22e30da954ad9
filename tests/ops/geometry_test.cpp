// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "ops/alpha/opaque.hpp"
#include "ops/geometry/gravity.hpp"
#include "ops/geometry/resize.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

const std::vector<PixelFormat> formats{
    {Depth::u8, 1, true}, {Depth::u8, 3, false}, {Depth::u16, 1, false}, {Depth::u16, 3, true}};

cv::Mat run(const char* name, const Json& parameters, const Tile& image) {
  return run_reference(build_operator(name, parameters), image).image.color;
}

TEST(Geometry, FlipsEqualOpenCv) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{37, 29}, format}, Pattern::noise, 1);
    for (const auto& [axis, code] : {std::pair{"horizontal", 1}, {"vertical", 0}, {"both", -1}}) {
      cv::Mat expected;
      cv::flip(image.color, expected, code);
      EXPECT_EQ(cv::norm(run("flip", {{"axis", axis}}, image), expected, cv::NORM_INF), 0) << axis;
    }
  }
}

TEST(Geometry, QuarterTurnsEqualOpenCvAndFourAreNone) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{37, 70}, format}, Pattern::noise, 2);
    for (const auto& [angle, code] : {std::pair{90.0, cv::ROTATE_90_CLOCKWISE},
                                      {180.0, cv::ROTATE_180},
                                      {-90.0, cv::ROTATE_90_COUNTERCLOCKWISE}}) {
      cv::Mat expected;
      cv::rotate(image.color, expected, code);
      EXPECT_EQ(cv::norm(run("rotate", {{"angle", angle}}, image), expected, cv::NORM_INF), 0) << angle;
    }
    Tile turned = image;
    for (int i = 0; i < 4; ++i) {
      turned = run_reference(build_operator("rotate", {{"angle", 90.0}}), turned).image;
    }
    EXPECT_EQ(difference(turned, image), 0);
  }
}

TEST(Geometry, SmallAnglesComeCloseToOpenCv) {
  const Tile image = make_image({{60, 50}, {Depth::u8, 3, false}}, Pattern::zones, 3);
  const cv::Mat turned = run("rotate", {{"angle", 20.0}, {"expand", false}}, image);
  const cv::Mat matrix = cv::getRotationMatrix2D({29.5F, 24.5F}, -20, 1);
  cv::Mat expected;
  cv::warpAffine(image.color, expected, matrix, image.color.size(), cv::INTER_LINEAR);
  // OpenCV interpolates with 1/32 pixel steps.
  EXPECT_LE(cv::norm(turned, expected, cv::NORM_L1) / static_cast<double>(turned.total() * 3), 1.5);
}

TEST(Geometry, CropIsTheRectangleAndRefusesWhatIsOutside) {
  const Tile image = make_image({{40, 30}, {Depth::u8, 3, false}}, Pattern::noise, 4);
  EXPECT_EQ(cv::norm(run("crop", {{"x", 5}, {"y", 7}, {"width", 20}, {"height", 11}}, image),
                     image.color(cv::Rect(5, 7, 20, 11)), cv::NORM_INF),
            0);
  try {
    static_cast<void>(run("crop", {{"x", 30}, {"width", 20}}, image));
    ADD_FAILURE() << "a rectangle outside the picture was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("40x30"), std::string::npos) << error.what();
  }
}

TEST(Geometry, PadsEqualOpenCv) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{17, 13}, format}, Pattern::noise, 5);
    for (const auto& [mode, code] : {std::pair{"reflect101", cv::BORDER_REFLECT_101},
                                     {"replicate", cv::BORDER_REPLICATE},
                                     {"wrap", cv::BORDER_WRAP},
                                     {"constant", cv::BORDER_CONSTANT}}) {
      cv::Mat expected;
      cv::copyMakeBorder(image.color, expected, 20, 3, 5, 30, code);
      const Json parameters{{"left", 5}, {"top", 20}, {"right", 30}, {"bottom", 3}, {"mode", mode}};
      EXPECT_EQ(cv::norm(run("pad", parameters, image), expected, cv::NORM_INF), 0) << mode;
    }
  }
}

/// The definition, sample by sample in double precision.
double resampled(const Tile& image, ResizeMethod method, cv::Size out, int x, int y, int channel) {
  const cv::Mat& in = image.color;
  const auto weights = [method](int index, int from, int to) {
    std::vector<std::pair<int, double>> taps;
    const ResampleTaps table = resample_taps(method, index, from, to);
    double total = 0;
    for (const float weight : table.weights) {
      total += weight;
    }
    for (std::size_t i = 0; i < table.weights.size(); ++i) {
      taps.emplace_back(std::clamp(static_cast<int>(table.first) + static_cast<int>(i), 0, from - 1),
                        table.weights[i] / total);
    }
    return taps;
  };
  const auto sample = [](const cv::Mat& plane, int row, int at) -> double {
    return plane.depth() == CV_8U ? plane.ptr(row)[at] : plane.ptr<std::uint16_t>(row)[at];
  };
  double sum = 0;
  double weight = 0;
  for (const auto& [from_y, down] : weights(y, in.rows, out.height)) {
    for (const auto& [from_x, across] : weights(x, in.cols, out.width)) {
      const double part = down * across * (image.alpha.empty() ? 1 : sample(image.alpha, from_y, from_x));
      weight += part;
      sum += part * sample(in, from_y, from_x * in.channels() + channel);
    }
  }
  return std::clamp(sum / weight, 0.0, in.depth() == CV_8U ? 255.0 : 65535.0);
}

TEST(Geometry, ResizeEqualsItsDefinition) {
  for (const PixelFormat& format : formats) {
    const Tile image = make_image({{31, 23}, format}, Pattern::photo_like, 6);
    for (const auto& [method, name] : EnumNames<ResizeMethod>::names) {
      for (const cv::Size& size : {cv::Size(47, 50), cv::Size(10, 9), cv::Size(1, 1)}) {
        const Json parameters{
            {"width", size.width}, {"height", size.height}, {"fit", "fill"}, {"method", name}};
        const Tile result = run_reference(build_operator("resize", parameters), image).image;
        const cv::Mat& out = result.color;
        ASSERT_EQ(out.size(), size);
        for (int y = 0; y < size.height; ++y) {
          for (int x = 0; x < size.width; ++x) {
            if (!result.alpha.empty() && is_transparent(result.alpha, y, x)) {
              continue;
            }
            const double expected = resampled(image, method, size, x, y, 0);
            const double value = out.depth() == CV_8U ? out.ptr(y)[x * out.channels()]
                                                      : out.ptr<std::uint16_t>(y)[x * out.channels()];
            ASSERT_NEAR(value, expected, 1) << name << " " << size << " at " << x << "," << y;
          }
        }
      }
    }
  }
}

TEST(Geometry, ResizeEqualsOpenCvWhereTheDefinitionsMeet) {
  const Tile image = make_image({{60, 48}, {Depth::u8, 3, false}}, Pattern::photo_like, 7);
  const auto against = [&](const char* method, int code, cv::Size size, double tolerance) {
    cv::Mat expected;
    cv::resize(image.color, expected, size, 0, 0, code);
    EXPECT_LE(
        cv::norm(
            run("resize",
                {{"width", size.width}, {"height", size.height}, {"fit", "fill"}, {"method", method}}, image),
            expected, cv::NORM_INF),
        tolerance)
        << method;
  };
  against("nearest", cv::INTER_NEAREST, {33, 91}, 0);
  against("linear", cv::INTER_LINEAR, {90, 96}, 1);
  against("area", cv::INTER_AREA, {20, 12}, 1);
}

TEST(Geometry, ResizeKeepsConstantsAndProportions) {
  const Tile image = make_image({{30, 20}, {Depth::u16, 1, false}}, Pattern::constant, 8);
  for (const auto& [method, name] : EnumNames<ResizeMethod>::names) {
    const cv::Mat out = run("resize", {{"width", 45}, {"method", name}}, image);
    EXPECT_EQ(out.size(), cv::Size(45, 30));
    EXPECT_EQ(cv::norm(out, cv::Mat(out.size(), out.type(), cv::Scalar::all(21845)), cv::NORM_INF), 0)
        << name;
  }
  EXPECT_EQ(run("resize", {{"width", 15}, {"height", 15}}, image).size(), cv::Size(15, 10));
  EXPECT_EQ(run("resize", {{"scale", 0.001}}, image).size(), cv::Size(1, 1));
  EXPECT_EQ(run("resize", {{"long-edge", 60}}, image).size(), cv::Size(60, 40));
  EXPECT_EQ(run("resize", {{"width", 15}, {"height", 15}, {"fit", "outside"}}, image).size(),
            cv::Size(23, 15));
  EXPECT_EQ(run("resize", {{"width", 15}, {"height", 15}, {"fit", "cover"}}, image).size(), cv::Size(15, 15));
}

TEST(Geometry, ResizeLeavesSmallPicturesWhereItMustNotEnlarge) {
  const Tile image = make_image({{30, 20}, {}}, Pattern::photo_like, 8);
  for (const Json& parameters :
       {Json{{"width", 300}}, Json{{"width", 300}, {"height", 300}}, Json{{"long-edge", 31}},
        Json{{"scale", 2}}, Json{{"width", 90}, {"height", 90}, {"fit", "outside"}},
        Json{{"width", 90}, {"height", 90}, {"fit", "fill"}},
        Json{{"width", 90}, {"height", 90}, {"fit", "cover"}}}) {
    Json with = parameters;
    with["enlarge"] = false;
    EXPECT_EQ(cv::norm(run("resize", with, image), image.color, cv::NORM_INF), 0) << with;
  }
  // A box that is bigger in one direction only still cuts the other.
  EXPECT_EQ(
      run("resize", {{"width", 10}, {"height", 90}, {"fit", "cover"}, {"enlarge", false}}, image).size(),
      cv::Size(10, 20));
}

TEST(Geometry, ResizeToCoverIsAPartOfTheWholePictureResized) {
  for (const Extent extent : {Extent{60, 48}, Extent{48, 61}, Extent{7, 90}}) {
    const Tile image = make_image({extent, {Depth::u8, 3, false}}, Pattern::photo_like, 9);
    for (const char* method : {"lanczos3", "area", "nearest"}) {
      const cv::Mat whole =
          run("resize", {{"width", 25}, {"height", 31}, {"fit", "outside"}, {"method", method}}, image);
      for (const auto& [gravity, name] : EnumNames<Gravity>::names) {
        const cv::Mat covered = run("resize",
                                    {{"width", 25},
                                     {"height", 31},
                                     {"fit", "cover"},
                                     {"gravity", std::string(name)},
                                     {"method", method}},
                                    image);
        const Rect part = part_at(gravity, {25, 31}, {whole.cols, whole.rows});
        const cv::Mat expected = whole(cv::Rect(static_cast<int>(part.x), static_cast<int>(part.y), 25, 31));
        ASSERT_EQ(covered.size(), expected.size());
        EXPECT_EQ(cv::norm(covered, expected, cv::NORM_INF), 0) << name << " " << method;
      }
    }
  }
}

TEST(Geometry, ResizeToContainIsTheWholePictureOnACanvas) {
  for (const PixelFormat& format : formats) {
    for (const Extent extent : {Extent{60, 48}, Extent{20, 61}, Extent{7, 9}}) {
      const Tile image = make_image({extent, format}, Pattern::photo_like, 10);
      for (const bool enlarge : {true, false}) {
        Json parameters{{"width", 40}, {"height", 31}, {"enlarge", enlarge}};
        const Tile inside = run_reference(build_operator("resize", parameters), image).image;
        parameters["fit"] = "contain";
        parameters["background"] = "#ff8000";
        for (const auto& [gravity, name] : EnumNames<Gravity>::names) {
          parameters["gravity"] = std::string(name);
          const Tile contained = run_reference(build_operator("resize", parameters), image).image;
          const Rect place = part_at(gravity, {inside.rect.width, inside.rect.height}, {40, 31});
          const auto on_canvas = [&](const cv::Mat& plane, const cv::Scalar& around) {
            cv::Mat canvas;
            cv::copyMakeBorder(plane, canvas, static_cast<int>(place.y),
                               static_cast<int>(31 - place.y - place.height), static_cast<int>(place.x),
                               static_cast<int>(40 - place.x - place.width), cv::BORDER_CONSTANT, around);
            return canvas;
          };
          const double scale = format.level_scale();
          // The luma of the orange is 151.4.
          const cv::Scalar around =
              format.channels == 1 ? cv::Scalar(151 * scale) : cv::Scalar(255 * scale, 128 * scale, 0);
          EXPECT_EQ(cv::norm(contained.color, on_canvas(inside.color, around), cv::NORM_INF), 0)
              << parameters;
          ASSERT_EQ(contained.alpha.empty(), !format.alpha);
          if (format.alpha) {
            EXPECT_EQ(cv::norm(contained.alpha, on_canvas(inside.alpha, 0), cv::NORM_INF), 0) << parameters;
          }
        }
      }
    }
  }
}

TEST(Geometry, CropsToProportions) {
  const Tile image = make_image({{60, 48}, {}}, Pattern::photo_like, 9);
  EXPECT_EQ(run("crop", {{"aspect", "1:1"}}, image).size(), cv::Size(48, 48));
  EXPECT_EQ(run("crop", {{"aspect", "2:1"}}, image).size(), cv::Size(60, 30));
  EXPECT_EQ(run("crop", {{"aspect", "1000:1"}}, image).size(), cv::Size(60, 1));
  EXPECT_EQ(cv::norm(run("crop", {{"aspect", "1:1"}, {"gravity", "east"}}, image),
                     image.color(cv::Rect(12, 0, 48, 48)), cv::NORM_INF),
            0);
  EXPECT_EQ(
      cv::norm(run("crop", {{"aspect", "1:1"}}, image), image.color(cv::Rect(6, 0, 48, 48)), cv::NORM_INF),
      0);
  for (const Json& wrong : {Json{{"aspect", "3"}}, Json{{"aspect", "3:0"}}, Json{{"aspect", "a:b"}},
                            Json{{"aspect", "1:1"}, {"width", 3}}, Json{{"x", 60}}, Json{{"width", 61}}}) {
    EXPECT_THROW(static_cast<void>(run("crop", wrong, image)), Error) << wrong;
  }
}

}  // namespace
}  // namespace tessera::testing
