// SPDX-License-Identifier: Apache-2.0
// What real processes hold of an image that is much taller than they may hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "schema/param.hpp"

namespace tessera::testing {
namespace {

constexpr std::int64_t megabyte = 1 << 20;

class Memory : public ::testing::Test {
 protected:
  static constexpr std::int64_t rows = 120'000;
  static constexpr std::int64_t pixel_bytes = rows * 2000 * 3;

  void SetUp() override {
    write_file(folder / "short.ppm", pnm(2000, 60, 3));
    // PNG can only be read from its beginning on, by one rank.
    const Outcome made =
        run_program({"apply", "--quiet", "--max-expansion", "100000",
                     fmt::format("resize width=2000 height={} fit=fill method=nearest", rows),
                     folder / "short.ppm", "-o", tall});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_LT(made.peak_bytes, 100 * megabyte);
  }

  /// The most that a process held.
  std::int64_t peak(const std::string& pipeline, const std::string& ranks, const std::string& threads) {
    const Outcome outcome =
        run_program({"apply", "--quiet", "--max-expansion", "100000", "--ranks", ranks, "--threads", threads,
                     pipeline, tall, "-o", folder / "out.png", "--force"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_GT(outcome.peak_bytes, 0);
    return outcome.peak_bytes;
  }

  TemporaryFolder folder;
  std::string tall = folder / "tall.png";
};

TEST_F(Memory, DoesNotFollowTheHeightOnOneRank) {
  for (const char* pipeline :
       {"auto-levels", "resize scale=0.02", "resize width=100 height=3000 fit=fill | otsu",
        "box-blur radius=40 | box-blur radius=40"}) {
    EXPECT_LT(peak(pipeline, "1", "2"), 160 * megabyte) << pipeline;
  }
}

TEST_F(Memory, DoesNotFollowTheHeightOnTheRankThatReads) {
  EXPECT_LT(peak("resize width=100 height=3000 fit=fill | otsu", "2", "1"), 240 * megabyte);
  // A third of the pixels are held here, half of it on each rank, until the threshold is known.
  EXPECT_LT(peak("otsu", "2", "1"), 240 * megabyte + pixel_bytes / 6);
}

/// A pipeline, and what a process may hold for it: most of these make a picture of hundreds of megabytes
/// between.
struct Enlarging {
  std::string name;
  std::int64_t width;
  std::int64_t height;
  std::string pipeline;
  std::int64_t max_bytes;
};

class EnlargeAndShrink : public ::testing::TestWithParam<Enlarging> {};

TEST_P(EnlargeAndShrink, HoldsLittleAndNoMoreThanExplainSays) {
  const Enlarging& one = GetParam();
  const TemporaryFolder folder;
  const std::string in = folder / "in.ppm";
  write_file(in, pnm(one.width, one.height, 3));
  const Outcome outcome =
      run_program({"apply", "--quiet", "--threads", "2", one.pipeline, in, "-o", folder / "out.png"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_LT(outcome.peak_bytes, one.max_bytes);
  const Outcome explained =
      run_program({"explain", "--json", "--threads", "2", "--format", "png", one.pipeline, in});
  ASSERT_EQ(explained.exit_code, 0) << explained.err;
  const auto estimate = Json::parse(explained.out).at("memory_bytes_per_rank").get<std::int64_t>();
  EXPECT_LE(outcome.peak_bytes, estimate);
  // What the estimate is allowed to be above: buffers that are rarely full, and the process itself.
  EXPECT_LE(estimate, 4 * outcome.peak_bytes + 200 * megabyte);
}

INSTANTIATE_TEST_SUITE_P(
    Pictures, EnlargeAndShrink,
    ::testing::Values(
        Enlarging{"ThinTurned", 24'000, 1, "rotate angle=33 | resize width=97", 300 * megabyte},
        Enlarging{"ThinTurnedForCorners", 24'000, 1, "rotate angle=33 | harris", 300 * megabyte},
        Enlarging{"ThinTurnedForAThreshold", 24'000, 1, "rotate angle=33 | otsu", 300 * megabyte},
        Enlarging{"Padded", 1000, 700, "pad left=6000 right=6000 top=6000 bottom=6000 | resize width=97",
                  300 * megabyte},
        Enlarging{"Blown", 1500, 1000, "resize scale=8 | gaussian-blur sigma=2 | resize width=97",
                  300 * megabyte},
        Enlarging{"BlownTwice", 300, 200, "resize scale=6 | resize scale=6 | resize width=50 | invert",
                  300 * megabyte},
        Enlarging{"HighAndNarrow", 1, 24'000,
                  "resize width=3000 height=40000 fit=fill | resize width=30 height=1 fit=fill",
                  300 * megabyte},
        Enlarging{"Wide", 200'000, 20,
                  "resize width=400000 height=200 fit=fill | box-blur radius=3 | resize width=97",
                  900 * megabyte},
        Enlarging{"WholeFrame", 400, 300, "resize scale=10 | butterworth-low-pass | resize width=97",
                  700 * megabyte}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace tessera::testing
