// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preset_store.hpp"

#include <gtest/gtest.h>

#include <QTemporaryDir>
#include <fstream>
#include <sstream>

#include "base/error.hpp"

namespace tessera::desktop {
namespace {

class PresetStoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string content() const {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

  QTemporaryDir folder_;
  std::filesystem::path file_ =
      std::filesystem::path(folder_.path().toStdString()) / "tessera" / "presets.json";
  PresetStore store_{file_};
};

TEST_F(PresetStoreTest, WhatIsSavedTheCommandLineReads) {
  EXPECT_TRUE(store_.load().empty());
  store_.save("soft", parse_pipeline("gaussian-blur sigma=2 | gamma gamma=1.1"));
  store_.save("hard", parse_pipeline("otsu"));
  const Presets presets = parse_presets(content());
  EXPECT_EQ(to_text(presets.at("soft")), "gaussian-blur sigma=2 | gamma gamma=1.1");
  EXPECT_EQ(to_text(parse_pipeline("flip | @hard", presets)), "flip | otsu");
  store_.remove("soft");
  EXPECT_EQ(store_.load().size(), 1U);
}

TEST_F(PresetStoreTest, WhatOthersUseCannotGo) {
  std::filesystem::create_directories(file_.parent_path());
  std::ofstream(file_) << R"({"presets": {"soft": "gaussian-blur", "both": "@soft | otsu"}})";
  const std::string before = content();
  EXPECT_THROW(store_.remove("soft"), Error);
  EXPECT_EQ(content(), before);
}

TEST_F(PresetStoreTest, AFileThatMakesNoSenseIsLeftAlone) {
  std::filesystem::create_directories(file_.parent_path());
  std::ofstream(file_) << "{oops";
  EXPECT_THROW(static_cast<void>(store_.load()), Error);
  EXPECT_THROW(store_.save("soft", parse_pipeline("flip")), Error);
  EXPECT_EQ(content(), "{oops");
}

TEST_F(PresetStoreTest, NamesAreMadeToFit) {
  EXPECT_EQ(preset_name("My soft look!"), "My-soft-look");
  EXPECT_EQ(preset_name("  "), "");
  EXPECT_THROW(store_.save("two words", parse_pipeline("flip")), Error);
}

}  // namespace
}  // namespace tessera::desktop
