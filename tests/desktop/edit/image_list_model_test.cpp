// SPDX-License-Identifier: Apache-2.0
#include "images/image_list_model.hpp"

#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QMimeData>
#include <QTemporaryDir>
#include <fstream>
#include <memory>

#include "test_images.hpp"

namespace tessera::desktop {
namespace {

using testing::picture;
using testing::save_png;
using testing::wait_until;

class ImageListModelTest : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name) const {
    return std::filesystem::path(folder_.path().toStdString()) / name;
  }
  std::filesystem::path image(const std::string& name, int width = 60, int height = 40) const {
    std::filesystem::create_directories(file(name).parent_path());
    return save_png(picture(width, height), file(name));
  }
  std::string names() const {
    std::string all;
    for (int row = 0; row < model_.rowCount(); ++row) {
      all += model_.file(row).stem().string() + " ";
    }
    return all;
  }
  bool all_read() const {
    for (int row = 0; row < model_.rowCount(); ++row) {
      if (model_.facts(row) == nullptr) {
        return false;
      }
    }
    return true;
  }

  QTemporaryDir folder_;
  ImageListModel model_;
  QAbstractItemModelTester tester_{&model_, QAbstractItemModelTester::FailureReportingMode::Fatal};
};

TEST_F(ImageListModelTest, FactsAndThumbnailsComeInTheBackground) {
  model_.add({image("a.png", 600, 300)});
  EXPECT_EQ(model_.facts(0), nullptr);
  ASSERT_TRUE(wait_until([&] { return all_read(); }));
  EXPECT_EQ(model_.facts(0)->info.extent, (Extent{600, 300}));
  EXPECT_EQ(model_.facts(0)->format, "PNG");
  EXPECT_EQ(model_.facts(0)->thumbnail.size(), QSize(192, 96));
  EXPECT_TRUE(model_.index(0).data(ImageListModel::DetailsRole).toString().startsWith("600 × 300"));
}

TEST_F(ImageListModelTest, WhatIsNoImageStaysWithItsReason) {
  std::ofstream(file("note.txt")) << "hello";
  model_.add({file("note.txt"), file("gone.png")});
  ASSERT_TRUE(wait_until([&] { return all_read(); }));
  EXPECT_TRUE(model_.facts(0)->error.contains("note.txt"));
  EXPECT_TRUE(model_.facts(1)->error.contains("gone.png"));
}

TEST_F(ImageListModelTest, FoldersAreSearchedForWhatIsAnImageByContent) {
  image("deep/er/b10.png");
  image("deep/er/b9.png");
  std::filesystem::copy_file(image("deep/c.png"), file("deep/picture.dat"));
  std::ofstream(file("deep/readme.png")) << "not an image";
  model_.add({file("deep")});
  ASSERT_TRUE(wait_until([&] { return model_.rowCount() > 0; }));
  EXPECT_EQ(names(), "c b9 b10 picture ");
}

TEST_F(ImageListModelTest, NothingIsAddedTwice) {
  const auto a = image("a.png");
  model_.add({a, a});
  int count = -1;
  int known = -1;
  QObject::connect(&model_, &ImageListModel::added, &model_, [&](int added, int had) {
    count = added;
    known = had;
  });
  model_.add({a, image("b.png")});
  EXPECT_EQ(model_.rowCount(), 2);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(known, 1);
}

TEST_F(ImageListModelTest, RowsAreReorderedByDragInAnyDirection) {
  for (const char* name : {"a.png", "b.png", "c.png", "d.png", "e.png"}) {
    model_.add({image(name)});
  }
  const auto drag = [&](const QModelIndexList& rows, int to) {
    const std::unique_ptr<QMimeData> data(model_.mimeData(rows));
    model_.dropMimeData(data.get(), Qt::MoveAction, to, 0, {});
  };
  drag({model_.index(0), model_.index(2)}, 4);
  EXPECT_EQ(names(), "b d a c e ");
  drag({model_.index(4), model_.index(1)}, 0);
  EXPECT_EQ(names(), "d e b a c ");
  drag({model_.index(2)}, 2);
  EXPECT_EQ(names(), "d e b a c ");
}

TEST_F(ImageListModelTest, RemovedImagesMayComeAgain) {
  const auto a = image("a.png");
  model_.add({a, image("b.png"), image("c.png")});
  std::vector<std::uint64_t> removed;
  QObject::connect(&model_, &ImageListModel::removed, &model_,
                   [&](std::uint64_t id) { removed.push_back(id); });
  model_.remove({model_.index(0), model_.index(2)});
  EXPECT_EQ(names(), "b ");
  EXPECT_EQ(removed.size(), 2U);
  model_.add({a});
  EXPECT_EQ(names(), "b a ");
}

}  // namespace
}  // namespace tessera::desktop
