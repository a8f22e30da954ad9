// SPDX-License-Identifier: Apache-2.0
// Five hundred images in the page: what is done must follow what is seen, not what there is.
#include <gtest/gtest.h>

#include <QListView>
#include <QSignalSpy>
#include <QTemporaryDir>

#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "test_images.hpp"
#include "window/edit_page.hpp"

namespace tessera::desktop {
namespace {

using testing::picture;
using testing::save_png;
using testing::wait_until;

constexpr int many = 500;

class ManyImages : public ::testing::Test {
 protected:
  ManyImages() {
    const auto image = save_png(picture(160, 120), folder.filePath("image.png").toStdString());
    for (int i = 0; i < many; ++i) {
      const std::filesystem::path link = folder.filePath(QStringLiteral("%1.png").arg(i)).toStdString();
      std::filesystem::create_symlink(image, link);
      files.push_back(link);
    }
    page.resize(1200, 800);
    page.show();
  }
  QTemporaryDir folder;
  std::vector<std::filesystem::path> files;
  EditPage page;
};

TEST_F(ManyImages, ComeAndGoAsOneChange) {
  const QSignalSpy come(page.images(), &QAbstractItemModel::rowsInserted);
  const QSignalSpy gone(page.images(), &QAbstractItemModel::rowsRemoved);
  const QSignalSpy reset(page.images(), &QAbstractItemModel::modelReset);
  page.images()->add(files);
  ASSERT_EQ(page.images()->rowCount(), many);
  EXPECT_EQ(come.count(), 1);
  // Two runs of neighbours.
  page.images()->remove({page.images()->index(7), page.images()->index(3), page.images()->index(4)});
  EXPECT_EQ(page.images()->rowCount(), many - 3);
  EXPECT_EQ(page.images()->file(3), files[5]);
  EXPECT_EQ(gone.count(), 2);
  page.images()->clear();
  EXPECT_EQ(page.images()->rowCount(), 0);
  EXPECT_EQ(gone.count(), 3);
  EXPECT_EQ(reset.count(), 0);
}

TEST_F(ManyImages, HaveNoWidgetsAndAreReadWhereOneLooksFirst) {
  page.images()->add(files);
  QListView* const list = page.images_panel()->list();
  EXPECT_TRUE(list->viewport()->findChildren<QWidget*>().isEmpty());
  list->scrollToBottom();
  const QSignalSpy read(page.images(), &QAbstractItemModel::dataChanged);
  const auto is_read = [this](int row) { return page.images()->facts(row) != nullptr; };
  ASSERT_TRUE(wait_until([&] { return is_read(many - 1) && is_read(many - 2); }));
  int others = 0;
  for (int row = 0; row < many - 50; ++row) {
    others += is_read(row) ? 1 : 0;
  }
  EXPECT_LT(others, many / 2);
  ASSERT_TRUE(wait_until([&] {
    for (int row = 0; row < many; ++row) {
      if (!is_read(row)) {
        return false;
      }
    }
    return true;
  }));
  // Each tells once that it is read.
  EXPECT_LE(read.count(), many);
}

}  // namespace
}  // namespace tessera::desktop
