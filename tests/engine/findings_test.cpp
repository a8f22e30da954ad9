// SPDX-License-Identifier: Apache-2.0
// Findings are those of the whole image once, whatever is fused behind the operator that lists them.
#include <gtest/gtest.h>

#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

TEST(Findings, AreNeitherRepeatedNorLostByWhatFollows) {
  const Tile image = make_image({{70, 80}, {Depth::u8, 3, false}}, Pattern::steps, 1);
  const Operator harris = build_operator("harris", {{"radius", 2}});
  const std::vector<double> expected = run_reference(harris, image).findings;
  ASSERT_GT(expected.size(), 30U);
  const Operator invert = build_operator("invert", Json::object());
  const Operator blur = build_operator("gaussian-blur", {{"sigma", 3}});
  for (const std::vector<Operator>& pipeline :
       {std::vector{harris}, std::vector{harris, invert}, std::vector{harris, blur},
        std::vector{harris, invert, blur}}) {
    for (const int ranks : {1, 3}) {
      const EngineOutcome outcome = run_engine(pipeline, image, ranks, {.threads = 2, .strip_rows = 5});
      ASSERT_EQ(outcome.report.findings.size(), 1U);
      EXPECT_EQ(outcome.report.findings[0].values, expected) << pipeline.size() << " operators, " << ranks;
    }
  }
}

TEST(Findings, StayThoseOfTheWholeImageWhenACropFollows) {
  const Tile image = make_image({{70, 80}, {Depth::u8, 3, false}}, Pattern::steps, 1);
  const Operator harris = build_operator("harris", {{"radius", 2}});
  const std::vector<double> expected = run_reference(harris, image).findings;
  ASSERT_GT(expected.size(), 30U);
  const Operator crop = build_operator("crop", {{"x", 10}, {"y", 31}, {"width", 20}, {"height", 9}});
  for (const int ranks : {1, 3}) {
    const EngineOutcome outcome = run_engine({harris, crop}, image, ranks, {.threads = 2, .strip_rows = 5});
    ASSERT_EQ(outcome.report.findings.size(), 1U);
    EXPECT_EQ(outcome.report.findings[0].values, expected) << ranks;
  }
}

}  // namespace
}  // namespace tessera::testing
