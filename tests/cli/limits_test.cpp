// SPDX-License-Identifier: Apache-2.0
// What is too big is refused before it is worked on, with the limit, the value and advice.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace tessera::testing {
namespace {

class TooBig : public ::testing::Test {
 protected:
  void SetUp() override { write_file(small, pnm(40, 30, 3)); }

  Outcome apply(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"apply", "--quiet", "--force"});
    return run_program(arguments);
  }
  /// Refused, with that in its sentence, and without a result.
  void expect_refused(const std::vector<std::string>& arguments, const std::string& expected) {
    const Outcome outcome = apply(arguments);
    EXPECT_EQ(outcome.exit_code, 7) << outcome.err;
    EXPECT_NE(outcome.err.find(expected), std::string::npos) << outcome.err;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"small.ppm"});
  }

  TemporaryFolder folder;
  std::string small = folder / "small.ppm";
};

TEST_F(TooBig, ResultsAndPicturesBetween) {
  expect_refused(
      {"resize width=1000000 height=1000000 fit=fill method=nearest", small, "-o", folder / "a.png"},
      "1000000x1000000 pixels, more than the limit of 8589934592 in all");
  // A picture between counts too, though the result is small.
  expect_refused({"resize width=1000000 height=1000000 fit=fill | crop x=0 y=0 width=10 height=10", small,
                  "-o", folder / "a.png"},
                 "max-output-pixels");
  expect_refused({"--max-output-pixels", "1199", "invert", small, "-o", folder / "a.png"}, "limit of 1199");
  expect_refused({"--max-output-side", "39", "invert", small, "-o", folder / "a.png"}, "limit of 39 a side");
}

TEST_F(TooBig, APictureBetweenMayBeAsBigAsTheInput) {
  const Outcome outcome =
      apply({"--max-output-pixels", "300", "invert | resize scale=0.5", small, "-o", folder / "a.png"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(TooBig, TheFileOfAResult) {
  expect_refused({"--max-output-bytes", "500", "invert", small, "-o", folder / "a.png"}, "500 bytes");
}

TEST_F(TooBig, ForTheFormatOfTheResult) {
  for (const char* size : {"width=8 height=65530", "width=65530 height=8"}) {
    expect_refused({fmt::format("resize {} fit=fill", size), small, "-o", folder / "a.jpg"},
                   "JPEG holds at most 65500 pixels a side");
    expect_refused({fmt::format("resize {} fit=fill", size), small, "-o", folder / "a.webp"},
                   "WebP holds at most 16383 pixels a side");
  }
  const Outcome outcome = apply({"resize width=8 height=65500 fit=fill", small, "-o", folder / "a.jpg"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(apply({"resize width=8 height=8 fit=fill", folder / "a.jpg", "-o", folder / "b.png"}).exit_code,
            0);
}

TEST_F(TooBig, ForMemory) {
  expect_refused({"--max-memory", "100M", "resize width=9000 height=9000 fit=fill | butterworth-low-pass",
                  small, "-o", folder / "a.png"},
                 "100 MB are allowed (max-memory)");
  expect_refused(
      {"--ranks", "2", "--max-memory", "100M",
       "resize width=9000 height=9000 fit=fill | butterworth-low-pass", small, "-o", folder / "a.png"},
      "max-memory");
}

TEST_F(TooBig, InExplain) {
  const Outcome outcome = run_program({"explain", "resize width=1000000 height=1000000 fit=fill", small});
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_NE(outcome.err.find("max-output-pixels"), std::string::npos) << outcome.err;
  EXPECT_EQ(run_program({"explain", "invert", small, "--max-pixels", "100"}).exit_code, 7);
}

}  // namespace
}  // namespace tessera::testing
