// SPDX-License-Identifier: Apache-2.0
// What is being worked on, kept and opened again.
#include "window/workspace.hpp"

#include <gtest/gtest.h>

#include <QTemporaryDir>
#include <fstream>

#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "pipeline/pipeline_panel.hpp"
#include "plan/pipeline.hpp"
#include "support/errors.hpp"
#include "test_images.hpp"
#include "window/edit_page.hpp"
#include "window/workspace_keeper.hpp"

namespace tessera::desktop {
namespace {

using tessera::testing::refusal;
using testing::picture;
using testing::save_png;
using testing::wait_until;

class WorkspaceTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path image(const QString& name) const {
    return save_png(picture(20, 10), folder_.filePath(name).toStdString());
  }
  void write(const QString& name, const std::string& text) const {
    std::ofstream(folder_.filePath(name).toStdString()) << text;
  }
  /// Two images, of which the second has its own pipeline with an operator that is switched off.
  void fill(EditPage& page) const {
    page.images()->insert(0, {image("a.png"), image(QStringLiteral("b \u00e4.png"))});
    page.pipelines().shared().add("flip");
    PipelineModel& own = page.pipelines().give_own(page.images()->id(1));
    own.replace(parse_pipeline("gaussian-blur sigma=3 | otsu"), "Test");
    own.set_enabled(1, false);
  }
  static void expect_filled(EditPage& page) {
    ASSERT_EQ(page.images()->rowCount(), 2);
    EXPECT_EQ(page.images()->file(1).stem().string(), "b \u00e4");
    EXPECT_EQ(to_text(page.pipelines().of(page.images()->id(0)).pipeline()), "flip");
    ASSERT_TRUE(page.pipelines().has_own(page.images()->id(1)));
    const PipelineModel& own = page.pipelines().of(page.images()->id(1));
    ASSERT_EQ(own.items().size(), 2U);
    EXPECT_FALSE(own.items()[1].enabled);
    EXPECT_EQ(to_text(own.pipeline()), "gaussian-blur sigma=3");
  }

  QTemporaryDir folder_;
};

TEST_F(WorkspaceTest, IsTheSameAfterItWasSavedAndOpened) {
  EditPage first;
  fill(first);
  const QString file = folder_.filePath("work.tessera");
  write_workspace(file, first.workspace());
  EditPage second;
  second.images()->insert(0, {image("other.png")});
  second.pipelines().shared().add("otsu");
  second.open(read_workspace(file));
  expect_filled(second);
}

TEST_F(WorkspaceTest, IsRefusedWithAReason) {
  const auto reason = [&](const std::string& text) {
    write("bad", text);
    return refusal([&] { static_cast<void>(read_workspace(folder_.filePath("bad"))); }, ErrorCode::usage);
  };
  EXPECT_NE(reason("{").find("is not a workspace"), std::string::npos);
  EXPECT_NE(reason(R"({"tessera-workspace": 2})").find("newer version"), std::string::npos);
  EXPECT_NE(reason(R"({"tessera-workspace": 1, "images": [],
                       "shared": {"pipeline": {"operators": []}, "disabled": [7]}})")
                .find("damaged"),
            std::string::npos);
  EXPECT_NE(
      refusal([&] { static_cast<void>(read_workspace(folder_.filePath("none"))); }, ErrorCode::not_found)
          .find("Cannot read the workspace"),
      std::string::npos);
}

TEST_F(WorkspaceTest, IsKeptWhileOneWorks) {
  {
    EditPage page;
    const WorkspaceKeeper keeper(page, folder_.filePath("kept"));
    fill(page);
    // Without an orderly end.
    ASSERT_TRUE(wait_until([&] {
      return QFile::exists(folder_.filePath("kept/workspace.json")) &&
             read_workspace(folder_.filePath("kept/workspace.json")).images.size() == 2;
    }));
  }
  EditPage page;
  WorkspaceKeeper keeper(page, folder_.filePath("kept"));
  keeper.restore();
  expect_filled(page);
  // Another program meanwhile neither shows it nor changes it.
  EditPage other;
  WorkspaceKeeper second(other, folder_.filePath("kept"));
  second.restore();
  EXPECT_EQ(other.images()->rowCount(), 0);
  second.save();
  EXPECT_EQ(read_workspace(folder_.filePath("kept/workspace.json")).images.size(), 2U);
}

TEST_F(WorkspaceTest, ThatCannotBeReadIsPutAside) {
  ASSERT_TRUE(QDir(folder_.path()).mkpath("kept"));
  write("kept/workspace.json", "damaged");
  EditPage page;
  WorkspaceKeeper keeper(page, folder_.filePath("kept"));
  QString said;
  QObject::connect(&keeper, &WorkspaceKeeper::message, &page, [&](const QString& text) { said = text; });
  keeper.restore();
  EXPECT_TRUE(said.contains("cannot be shown again")) << said.toStdString();
  EXPECT_TRUE(QFile::exists(folder_.filePath("kept/workspace.json.unreadable")));
}

}  // namespace
}  // namespace tessera::desktop
