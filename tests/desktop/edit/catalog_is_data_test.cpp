// SPDX-License-Identifier: Apache-2.0
// No operator is named in the desktop program: it is drawn from the catalogue.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ops/catalog.hpp"

namespace tessera::desktop {
namespace {

TEST(DesktopSources, NameNoOperator) {
  int files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(TESSERA_DESKTOP_SOURCES)) {
    if (file.path().extension() != ".cpp" && file.path().extension() != ".hpp") {
      continue;
    }
    std::ostringstream text;
    text << std::ifstream(file.path()).rdbuf();
    for (const CatalogEntry& entry : catalog()) {
      const std::string quoted = '"' + std::string(entry.info.name) + '"';
      EXPECT_EQ(text.str().find(quoted), std::string::npos) << file.path() << " names " << quoted;
    }
    ++files;
  }
  EXPECT_GT(files, 30);
}

}  // namespace
}  // namespace tessera::desktop
