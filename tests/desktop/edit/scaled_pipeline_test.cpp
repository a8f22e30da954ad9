// SPDX-License-Identifier: Apache-2.0
#include "preview/scaled_pipeline.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace tessera::desktop {
namespace {

const ImageInfo photo{{4000, 3000}, {}};

Json scaled_parameters(const std::string& text, double scale, Rounding rounding = Rounding::nearest) {
  return scale_pipeline(parse_pipeline(text), scale, rounding).front().parameters;
}

TEST(ScaledPipeline, PixelsShrinkGivenOrDefaultAndNothingElseDoes) {
  const Json given = scaled_parameters("unsharp-mask sigma=8 amount=2", 0.25);
  EXPECT_DOUBLE_EQ(given["sigma"].get<double>(), 2.0);
  EXPECT_DOUBLE_EQ(given["amount"].get<double>(), 2.0);
  EXPECT_FALSE(given.contains("threshold"));
  EXPECT_DOUBLE_EQ(scaled_parameters("gaussian-blur", 0.5)["sigma"].get<double>(), 0.75);
}

TEST(ScaledPipeline, OddStaysOddAndInRange) {
  EXPECT_EQ(scaled_parameters("median size=21", 0.5)["size"].get<int>(), 11);
  EXPECT_EQ(scaled_parameters("median size=9", 0.5)["size"].get<int>() % 2, 1);
  EXPECT_EQ(scaled_parameters("median size=5", 0.1)["size"].get<int>(), 3);
}

TEST(ScaledPipeline, ZeroKeepsItsMeaningAndNothingElseBecomesZero) {
  const Json crop = scaled_parameters("crop x=0 y=3 width=5 height=0", 0.1);
  EXPECT_EQ(crop["x"].get<int>(), 0);
  EXPECT_EQ(crop["height"].get<int>(), 0);
  EXPECT_EQ(crop["width"].get<int>(), 1);
}

TEST(ScaledPipeline, EveryOperatorTakesItsScaledParameters) {
  for (const CatalogEntry& entry : catalog()) {
    for (const double scale : {1.0, 0.7, 0.25, 1.0 / 64}) {
      for (const Rounding rounding : {Rounding::nearest, Rounding::down}) {
        const PipelineSteps scaled =
            scale_pipeline({{std::string(entry.info.name), Json::object()}}, scale, rounding);
        EXPECT_NO_THROW(check_params(entry.info.name, entry.params, scaled.front().parameters))
            << entry.info.name;
      }
    }
  }
}

TEST(ScaledPipeline, ARectangleUpToTheEdgeStaysInsideOfEveryCopy) {
  for (int width = 900; width < 1000; ++width) {
    const PipelineSteps pipeline =
        parse_pipeline("crop x=" + std::to_string(4000 - width) + " width=" + std::to_string(width));
    for (const double scale : {0.7071, 0.5, 0.3536, 0.25}) {
      const ImageInfo copy{{static_cast<std::int64_t>(std::ceil(4000 * scale)),
                            static_cast<std::int64_t>(std::ceil(3000 * scale))},
                           {}};
      EXPECT_NO_THROW(static_cast<void>(make_scaled_plan(pipeline, scale, copy, {})))
          << width << " " << scale;
    }
  }
}

std::vector<Approximation> approximations_of(const std::string& text, double scale) {
  const PipelineSteps pipeline = parse_pipeline(text);
  const ImageInfo copy{{static_cast<std::int64_t>(4000 * scale), static_cast<std::int64_t>(3000 * scale)},
                       {}};
  return approximations(make_plan(build_pipeline(pipeline), photo),
                        make_scaled_plan(pipeline, scale, copy, {}), scale);
}

TEST(Approximations, SizesThatScaleAreFaithful) {
  EXPECT_TRUE(approximations_of("gaussian-blur sigma=12", 0.25).empty());
  EXPECT_TRUE(approximations_of("box-blur radius=20 | gamma gamma=1.2", 0.25).empty());
}

TEST(Approximations, DetailFinerThanTheCopyIsNamed) {
  const auto found = approximations_of("sharpen | gamma gamma=1.2", 0.25);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], (Approximation{"sharpen", Approximation::Reason::fine_detail}));
  EXPECT_TRUE(approximations_of("sharpen", 1).empty());
}

TEST(Approximations, WhatMeasuresTheWholePictureIsNamed) {
  const auto found = approximations_of("equalize", 0.25);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0], (Approximation{"equalize", Approximation::Reason::whole_picture}));
}

}  // namespace
}  // namespace tessera::desktop
