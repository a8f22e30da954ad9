// SPDX-License-Identifier: Apache-2.0
// The edit page as a whole: images in, submissions out.
#include "window/edit_page.hpp"

#include <gtest/gtest.h>

#include <QApplication>
#include <QListView>
#include <QMimeData>
#include <QPushButton>
#include <QTemporaryDir>
#include <fstream>

#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "pipeline/pipeline_panel.hpp"
#include "preview/preview_panel.hpp"
#include "test_images.hpp"

namespace tessera::desktop {
namespace {

using testing::picture;
using testing::save_png;
using testing::wait_until;

class EditPageTest : public ::testing::Test {
 protected:
  EditPageTest() {
    QObject::connect(&page_, &EditPage::submitted, &page_,
                     [this](const std::vector<Submission>& submissions) { submitted_ = submissions; });
    page_.resize(1200, 800);
    page_.show();
  }
  void add(int count) {
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < count; ++i) {
      files.push_back(
          save_png(picture(120, 90), folder_.filePath(QStringLiteral("%1.png").arg(i)).toStdString()));
    }
    page_.images()->add(files);
  }
  void select(int row) { page_.images_panel()->list()->setCurrentIndex(page_.images()->index(row)); }

  QTemporaryDir folder_;
  EditPage page_;
  std::vector<Submission> submitted_;
};

TEST_F(EditPageTest, NothingIsSubmittedWithoutImagesOrOperations) {
  page_.submit();
  add(2);
  page_.submit();
  EXPECT_TRUE(submitted_.empty());
}

TEST_F(EditPageTest, AllImagesShareAPipelineUnlessTheyHaveTheirOwn) {
  add(3);
  page_.pipelines().shared().add("gaussian-blur");
  select(1);
  Q_EMIT page_.pipeline_panel()->own_scope_chosen(true);
  page_.pipeline_panel()->model()->add("otsu");
  select(2);
  EXPECT_EQ(page_.pipeline_panel()->model(), &page_.pipelines().shared());
  page_.submit();
  ASSERT_EQ(submitted_.size(), 3U);
  EXPECT_EQ(to_text(submitted_[0].pipeline), "gaussian-blur");
  EXPECT_EQ(to_text(submitted_[1].pipeline), "gaussian-blur | otsu");
  EXPECT_EQ(to_text(submitted_[2].pipeline), "gaussian-blur");
  EXPECT_FALSE(submitted_[0].output.contains("format")) << "as the original";
}

TEST_F(EditPageTest, OnlyWhatIsSelectedWhereSeveralAre) {
  add(4);
  page_.pipelines().shared().add("flip");
  QItemSelectionModel* selection = page_.images_panel()->list()->selectionModel();
  selection->select(page_.images()->index(1), QItemSelectionModel::ClearAndSelect);
  selection->select(page_.images()->index(3), QItemSelectionModel::Select);
  page_.submit();
  ASSERT_EQ(submitted_.size(), 2U);
  EXPECT_EQ(submitted_[0].file, page_.images()->file(1));
  EXPECT_EQ(submitted_[1].file, page_.images()->file(3));
}

TEST_F(EditPageTest, WhatCannotBeReadIsLeftOut) {
  add(1);
  const std::filesystem::path broken = folder_.filePath("broken.png").toStdString();
  std::ofstream(broken) << "no image";
  page_.images()->add({broken});
  page_.pipelines().shared().add("flip");
  ASSERT_TRUE(wait_until([&] { return page_.images()->facts(1) != nullptr; }));
  page_.submit();
  EXPECT_EQ(submitted_.size(), 1U);
}

TEST_F(EditPageTest, UndoIsThatOfThePipelineBeingEdited) {
  add(2);
  page_.pipelines().shared().add("flip");
  select(0);
  Q_EMIT page_.pipeline_panel()->own_scope_chosen(true);
  page_.pipeline_panel()->model()->add("otsu");
  page_.pipelines().undo_group().undo();
  EXPECT_EQ(to_text(page_.pipelines().of(page_.images()->id(0)).pipeline()), "flip");
  EXPECT_FALSE(page_.pipelines().undo_group().canUndo());
  select(1);
  page_.pipelines().undo_group().undo();
  EXPECT_TRUE(page_.pipelines().shared().pipeline().empty());
}

TEST_F(EditPageTest, ThePreviewFollowsImagesAndPipeline) {
  add(2);
  const CompareView* view = page_.preview_panel()->view();
  ASSERT_TRUE(wait_until([&] { return !view->after().scaled.isNull(); }));
  page_.pipelines().shared().add("resize");
  page_.pipelines().shared().replace(parse_pipeline("resize width=60"), "Test");
  ASSERT_TRUE(wait_until([&] { return view->after().full_size == QSize(60, 45); }));
  page_.images()->remove({page_.images()->index(0), page_.images()->index(1)});
  EXPECT_TRUE(view->after().scaled.isNull());
}

TEST_F(EditPageTest, AnImageWithItsOwnPipelineMayGo) {
  add(2);
  select(1);
  Q_EMIT page_.pipeline_panel()->own_scope_chosen(true);
  page_.images()->remove({page_.images()->index(1)});
  EXPECT_EQ(page_.pipeline_panel()->model(), &page_.pipelines().shared());
  EXPECT_EQ(page_.images()->rowCount(), 1);
}

TEST_F(EditPageTest, BringsRemovedImagesBackToTheirPlaces) {
  add(5);
  select(3);
  Q_EMIT page_.pipeline_panel()->own_scope_chosen(true);
  page_.pipeline_panel()->model()->add("otsu");
  const auto names = [&] {
    std::string all;
    for (int row = 0; row < page_.images()->rowCount(); ++row) {
      all += page_.images()->file(row).stem().string();
    }
    return all;
  };
  page_.images()->remove({page_.images()->index(0), page_.images()->index(3), page_.images()->index(4)});
  EXPECT_EQ(names(), "12");
  EXPECT_EQ(page_.removed_count(), 3);
  page_.restore_removed();
  EXPECT_EQ(names(), "01234");
  EXPECT_EQ(page_.removed_count(), 0);
  select(3);
  ASSERT_EQ(page_.pipeline_panel()->model()->rowCount(), 1);
  EXPECT_EQ(page_.pipeline_panel()->model()->items().front().step.name, "otsu");
  // A later removal is another one.
  page_.images()->remove({page_.images()->index(1)});
  QApplication::processEvents();
  page_.images()->clear();
  EXPECT_EQ(page_.removed_count(), 4);
}

}  // namespace
}  // namespace tessera::desktop
