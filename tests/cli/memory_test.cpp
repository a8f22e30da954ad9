// What real processes hold of an image that is much taller than they may hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"

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
    const Outcome made = run_program({"apply", "--quiet", "--max-expansion", "100000",
                                      fmt::format("resize width=2000 height={} method=nearest", rows),
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
  for (const char* pipeline : {"auto-levels", "resize scale=0.02", "resize width=100 height=3000 | otsu",
                               "box-blur radius=40 | box-blur radius=40"}) {
    EXPECT_LT(peak(pipeline, "1", "2"), 160 * megabyte) << pipeline;
  }
}

TEST_F(Memory, DoesNotFollowTheHeightOnTheRankThatReads) {
  EXPECT_LT(peak("resize width=100 height=3000 | otsu", "2", "1"), 240 * megabyte);
  // A third of the pixels are held here, half of it on each rank, until the threshold is known.
  EXPECT_LT(peak("otsu", "2", "1"), 240 * megabyte + pixel_bytes / 6);
}

}  // namespace
}  // namespace tessera::testing
