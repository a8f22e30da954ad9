// SPDX-License-Identifier: Apache-2.0
// For tests that sweep the catalogue by themselves: ValuesIn(all_names()), with readable names.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ops/catalog.hpp"

namespace tessera::testing {

inline std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog()) {
    names.emplace_back(entry.info.name);
  }
  return names;
}

/// Names of tests may not hold a '-'.
inline std::string test_name(const ::testing::TestParamInfo<std::string>& tested) {
  std::string name = tested.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace tessera::testing
