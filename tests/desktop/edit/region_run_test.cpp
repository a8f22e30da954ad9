// SPDX-License-Identifier: Apache-2.0
// A region is what the engine makes of the whole picture, cut out.
#include "preview/region_run.hpp"

#include <gtest/gtest.h>

#include "engine/memory_io.hpp"
#include "plan/pipeline.hpp"
#include "preview/preview_render.hpp"
#include "test_images.hpp"

namespace tessera::desktop {
namespace {

using testing::difference;
using testing::picture;

/// Corners, edges, the middle, a single pixel.
std::vector<Rect> regions_of(const Extent& extent) {
  const std::int64_t w = extent.width;
  const std::int64_t h = extent.height;
  std::vector<Rect> regions{
      {0, 0, w / 3, h / 3}, {w / 3, h / 4, w / 2, h / 2}, {w / 2, h / 2, w - w / 2, h - h / 2},
      {0, h / 2, w, 1},     {w - 1, h - 1, 1, 1},         {0, 0, w, h}};
  std::erase_if(regions, [](const Rect& rect) { return rect.empty(); });
  return regions;
}

/// Kernels that add up floats may round differently where a vector ends, hence one level.
void expect_regions_equal(const std::vector<Operator>& operators, const Tile& image,
                          const std::string& what) {
  const Plan plan = make_plan(operators, image.info());
  ASSERT_TRUE(is_local(plan)) << what;
  const Tile whole = run_in_memory(plan, image, {}).pixels;
  for (const Rect& region : regions_of(plan.out.extent)) {
    const Tile pixels = image.view(region_needs(plan, region));
    const Tile part = run_region(plan, region, pixels, {});
    EXPECT_LE(difference(part, whole.view(region)), 1)
        << what << " at " << region.x << "," << region.y << " " << region.width << "x" << region.height;
  }
}

class RegionRunOfEachOperator : public ::testing::TestWithParam<bool> {};

TEST_P(RegionRunOfEachOperator, GivesThePixelsOfAWholeRun) {
  const Tile image = picture(131, 97, {.alpha = GetParam()});
  int tested = 0;
  for (const CatalogEntry& entry : catalog()) {
    std::vector<Json> parameter_sets = entry.samples({131, 97});
    if (entry.random_parameters) {
      parameter_sets.push_back(Json::object());
    }
    for (const Json& parameters : parameter_sets) {
      const auto operators =
          std::vector{entry.make(parameters, [](const std::string&) { return picture(20, 10); })};
      if (is_local(make_plan(operators, image.info()))) {
        expect_regions_equal(operators, image, std::string(entry.info.name) + " " + parameters.dump());
        ++tested;
      }
    }
  }
  EXPECT_GT(tested, 30);
}

INSTANTIATE_TEST_SUITE_P(WithoutAndWithAlpha, RegionRunOfEachOperator, ::testing::Bool());

TEST(RegionRun, ChainsOfThemDoToo) {
  for (const char* text :
       {"gaussian-blur sigma=3 | resize width=70 | sharpen", "rotate angle=30 expand=true | median",
        "crop x=10 y=20 width=80 height=60 | box-blur radius=7 border=replicate | flip",
        "motion-blur length=25 angle=40 | grayscale | sobel"}) {
    expect_regions_equal(build_pipeline(parse_pipeline(text)), picture(131, 97), text);
  }
}

TEST(RegionRun, AlphaAndSixteenBitsAreCarried) {
  expect_regions_equal(build_pipeline(parse_pipeline("gaussian-blur | resize width=50")),
                       picture(131, 97, {Depth::u8, 3, true}), "alpha");
  expect_regions_equal(build_pipeline(parse_pipeline("gaussian-blur sigma=2 | sharpen")),
                       picture(90, 70, {Depth::u16, 1, false}), "16 bits");
}

TEST(RegionRun, WhatLooksAtTheWholePictureIsNotLocal) {
  for (const char* text : {"otsu", "canny", "gaussian-blur border=wrap", "gamma gamma=2 | equalize"}) {
    EXPECT_FALSE(is_local(make_plan(build_pipeline(parse_pipeline(text)), {{100, 100}, {}}))) << text;
  }
}

}  // namespace
}  // namespace tessera::desktop
