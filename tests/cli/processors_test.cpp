// SPDX-License-Identifier: Apache-2.0
// A group's machines need not be alike: what OpenCV and Tessera do with the newer instructions of a processor
// gives the same bytes without them.
#include <gtest/gtest.h>

#include "ops/catalog.hpp"
#include "program.hpp"
#include "support/catalog_names.hpp"

namespace tessera::testing {
namespace {

class Processors : public ::testing::TestWithParam<std::string> {
 protected:
  TemporaryFolder folder;
  std::string in = folder / "in.ppm";

  std::string result(const std::string& pipeline, const std::vector<std::string>& environment) {
    const std::string out = folder / "out.png";
    const Outcome outcome = run_program(
        {"apply", "--force", "--quiet", "--threads", "1", pipeline, in, "-o", out}, {environment});
    EXPECT_EQ(outcome.exit_code, 0) << pipeline << ": " << outcome.err;
    return read_file(out);
  }
};

TEST_P(Processors, GiveTheSameBytes) {
  // Not a multiple of any vector's width; the example of crop fits in.
  write_file(in, pnm(747, 533, 3));
  const std::string example(find_operator(GetParam()).info.example);
  const std::string smoothed = "gaussian-blur sigma=2 | " + example;
  for (const std::string& pipeline : {example, smoothed}) {
    EXPECT_TRUE(result(pipeline, {}) == result(pipeline, {"OPENCV_CPU_DISABLE=AVX2,FMA3"})) << pipeline;
  }
}

INSTANTIATE_TEST_SUITE_P(Catalog, Processors, ::testing::ValuesIn(all_names()), test_name);

}  // namespace
}  // namespace tessera::testing
