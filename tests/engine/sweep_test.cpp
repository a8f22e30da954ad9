// SPDX-License-Identifier: Apache-2.0
// Every operator, and random pipelines of them, on 1, 2, 3, 4 and 7 ranks of this process, against the slow
// reference.
#include "support/sweep.hpp"

#include <gtest/gtest.h>

#include "support/catalog_names.hpp"

namespace tessera::testing {
namespace {

constexpr std::array rank_counts{1, 2, 3, 4, 7};

class CutNeverShows : public ::testing::TestWithParam<std::string> {};

TEST_P(CutNeverShows, ForThisOperator) {
  std::mt19937 random(std::hash<std::string>{}(GetParam()) & 0xffffffU);
  for (int i = 0; i < 40; ++i) {
    const SweepCase sweep = operator_case(GetParam(), random);
    for (const int ranks : rank_counts) {
      ASSERT_EQ(check_case(sweep, ranks, random_cut(random)), "");
    }
  }
}

TEST(RandomPipelines, GiveTheBytesOfTheUnfusedRun) {
  std::mt19937 random(20261123);
  for (int i = 0; i < 300; ++i) {
    const SweepCase sweep = pipeline_case(random);
    for (const int ranks : {1, rank_counts[random() % rank_counts.size()]}) {
      ASSERT_EQ(check_case(sweep, ranks, random_cut(random)), "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Catalog, CutNeverShows, ::testing::ValuesIn(all_names()), test_name);

}  // namespace
}  // namespace tessera::testing
