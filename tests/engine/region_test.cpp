// SPDX-License-Identifier: Apache-2.0
// Rows of a result are the rows of a run over the whole image, byte for byte.
#include "engine/region.hpp"

#include <gtest/gtest.h>

#include "plan/pipeline.hpp"
#include "support/errors.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

std::vector<Interval> intervals_of(std::int64_t height) {
  std::vector<Interval> all{{0, height},
                            {0, 1},
                            {height - 1, height},
                            {height / 3, height / 3 + std::max<std::int64_t>(1, height / 2)}};
  std::erase_if(all, [&](const Interval& rows) { return rows.empty() || rows.end > height; });
  return all;
}

void expect_rows_of_whole(const std::vector<Operator>& operators, const Tile& image,
                          const std::string& what) {
  const Plan plan = make_plan(operators, image.info());
  ASSERT_TRUE(is_local(plan)) << what;
  const Tile whole = run_engine(operators, image, 1, {.threads = 2}).image;
  for (const Interval& rows : intervals_of(plan.out.extent.height)) {
    for (const bool random_access : {true, false}) {
      for (const int threads : {1, 3}) {
        MemorySource source(image, random_access);
        const Tile part = run_rows(plan, rows, source, threads, {});
        EXPECT_EQ(difference(part, whole.view(Rect::of_rows(rows, plan.out.extent.width))), 0)
            << what << " rows " << rows.begin << ".." << rows.end << " on " << threads
            << " threads: " << first_difference(part, whole.view(Rect::of_rows(rows, plan.out.extent.width)));
      }
    }
  }
}

class RowsOfEachOperator : public ::testing::TestWithParam<PixelFormat> {};

TEST_P(RowsOfEachOperator, AreThoseOfTheWholeRun) {
  const Tile image = make_image({{61, 83}, GetParam()}, Pattern::photo_like, 7);
  int tested = 0;
  for (const CatalogEntry& entry : catalog()) {
    std::vector<Json> parameter_sets = entry.samples({61, 83});
    if (entry.random_parameters) {
      parameter_sets.push_back(Json::object());
    }
    for (const Json& parameters : parameter_sets) {
      const std::vector<Operator> operators{entry.make(parameters, sample_image)};
      if (is_local(make_plan(operators, image.info()))) {
        expect_rows_of_whole(operators, image, std::string(entry.info.name) + " " + parameters.dump());
        ++tested;
      }
    }
  }
  EXPECT_GT(tested, 30);
}

INSTANTIATE_TEST_SUITE_P(Formats, RowsOfEachOperator,
                         ::testing::Values(PixelFormat{Depth::u8, 3, false},
                                           PixelFormat{Depth::u16, 1, true}));

TEST(Rows, OfLongChainsAreThoseOfTheWholeRun) {
  const Tile image = make_image({{131, 397}, {Depth::u8, 3, true}}, Pattern::photo_like, 3);
  for (const char* text :
       {"gaussian-blur sigma=20 | gaussian-blur sigma=20 | gaussian-blur sigma=20 | median size=5",
        "resize width=50 height=90 fit=fill | rotate angle=30 expand=true | sharpen",
        "rotate angle=90 | box-blur radius=9", "crop x=10 y=20 width=80 height=160 | flip | gamma gamma=2",
        "invert"}) {
    expect_rows_of_whole(build_pipeline(parse_pipeline(text)), image, text);
  }
  expect_rows_of_whole({}, image, "no operators");
}

TEST(Rows, OfWhatLooksAtTheWholeImageAreNotLocal) {
  for (const char* text : {"otsu", "canny", "gaussian-blur border=wrap", "gamma gamma=2 | equalize"}) {
    EXPECT_FALSE(is_local(make_plan(build_pipeline(parse_pipeline(text)), {{100, 100}, {}}))) << text;
  }
}

TEST(Rows, EndWhenAStopIsRequested) {
  const Tile image = make_image({{40, 40}, {}}, Pattern::noise, 1);
  MemorySource source(image, true);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] {
              static_cast<void>(run_rows(make_plan({}, image.info()), {0, 40}, source, 2, stop.get_token()));
            }),
            ErrorCode::cancelled);
}

}  // namespace
}  // namespace tessera::testing
