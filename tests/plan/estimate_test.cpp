// SPDX-License-Identifier: Apache-2.0
// What a plan says of pictures that become too big, and of memory.
#include <gtest/gtest.h>

#include "plan/pipeline.hpp"
#include "plan/plan.hpp"

namespace tessera {
namespace {

Plan plan_of(const char* pipeline, const Extent& extent, const PlanLimits& limits = {}) {
  return make_plan(build_pipeline(parse_pipeline(pipeline)), {extent, {Depth::u8, 3, false}}, limits);
}

std::string refusal(const char* pipeline, const Extent& extent, const PlanLimits& limits) {
  try {
    static_cast<void>(plan_of(pipeline, extent, limits));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit_exceeded) << error.what();
    return error.what();
  }
  return "";
}

TEST(PlanLimits, HoldForEveryPicture) {
  const PlanLimits limits{10'000, 500};
  EXPECT_EQ(refusal("resize width=100 height=100 fit=fill", {40, 30}, limits), "");
  EXPECT_NE(refusal("resize width=101 height=100 fit=fill", {40, 30}, limits).find("limit of 10000"),
            std::string::npos);
  EXPECT_NE(refusal("pad left=461", {40, 1}, limits).find("limit of 500 a side"), std::string::npos);
  EXPECT_NE(refusal("resize scale=10 | resize width=3", {40, 30}, limits), "");
  EXPECT_NE(refusal("rotate angle=45 | otsu | resize width=3", {200, 100}, {20'000, 500}), "");
  // The input may be bigger than a result, but the result may not.
  EXPECT_EQ(refusal("invert | resize width=100", {400, 300}, limits), "");
  EXPECT_NE(refusal("invert", {400, 300}, limits), "");
}

TEST(Estimate, KnowsWhatIsBetween) {
  const auto bytes = [](const char* pipeline, const Extent& extent, int threads) {
    return estimate(plan_of(pipeline, extent), {.threads = threads}).memory_bytes;
  };
  constexpr std::int64_t megabyte = 1 << 20;
  // Streams: as much for a picture ten times as high.
  EXPECT_NEAR(static_cast<double>(bytes("gaussian-blur", {4000, 3000}, 2)),
              static_cast<double>(bytes("gaussian-blur", {4000, 30'000}, 2)), megabyte);
  // The whole picture between is 12 GB.
  EXPECT_LT(bytes("pad left=30000 right=30000 top=30000 bottom=30000 | resize width=97", {4288, 2848}, 2),
            600 * megabyte);
  EXPECT_GT(bytes("resize width=20000 height=20000 fit=fill | butterworth-low-pass", {40, 30}, 2),
            2400 * megabyte);
  // Strips of a very wide picture cannot be small.
  EXPECT_GT(bytes("gaussian-blur", {1'000'000, 1000}, 2), 2 * 64 * 3 * megabyte);
}

TEST(Estimate, MarginsLetFilesStreamThatAreReadInOrder) {
  for (const char* pipeline :
       {"pad top=3000 bottom=10", "pad top=10 bottom=3000", "resize 1000x15000 fit=contain gravity=north",
        "resize 1000x15000 fit=contain"}) {
    const Estimate cost = estimate(plan_of(pipeline, {1000, 12'000}), {.random_access_source = false});
    EXPECT_TRUE(cost.stages.front().streams) << pipeline;
  }
}

TEST(Estimate, PiecesAreOfStrongReductionsOnly) {
  const Plan strong = plan_of("resize scale=8 | resize width=97", {4000, 3000});
  const Stage& stage = strong.stages.front();
  const StripNeeds needs = strip_needs(stage.chain, stage.in, {0, 16});
  EXPECT_EQ(link_in_pieces(stage.chain, needs, default_max_reduced_bytes), std::optional<std::size_t>(1));
  EXPECT_EQ(link_in_pieces(stage.chain, needs, std::int64_t{1} << 40), std::nullopt);
  const Plan mild = plan_of("resize scale=2 | gaussian-blur | resize scale=0.9", {4000, 3000});
  EXPECT_EQ(
      link_in_pieces(mild.stages.front().chain, strip_needs(mild.stages.front().chain, mild.in, {0, 64}),
                     default_max_reduced_bytes),
      std::nullopt);
}

}  // namespace
}  // namespace tessera
