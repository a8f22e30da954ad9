// SPDX-License-Identifier: Apache-2.0
// Results on the screen and on the disk.
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "jobs/model/job_record.hpp"
#include "results/save_results.hpp"
#include "servers/server_process.hpp"
#include "widgets/image_loading.hpp"

namespace tessera::desktop {
namespace {

using testing::read_file;
using testing::ServerFolder;

class Results : public ::testing::Test {
 protected:
  /// A gray picture of this width, of these rows.
  QString gray(const std::string& name, int width, const std::vector<int>& levels) const {
    const auto file = folder.path() / name;
    std::ofstream out(file, std::ios::binary);
    out << "P5 " << width << ' ' << levels.size() / static_cast<std::size_t>(width) << " 255\n";
    for (const int level : levels) {
      out.put(static_cast<char>(level));
    }
    return to_qstring(file);
  }
  std::filesystem::path text(const std::string& name, const std::string& content) const {
    std::ofstream(folder.path() / name) << content;
    return folder.path() / name;
  }
  ServerFolder folder;
};

TEST_F(Results, AreReadWholeOrReduced) {
  const QString file = gray("a.pgm", 3, {10, 20, 90, 30, 40, 90, 200, 200, 200});
  const ShownImage whole = load_image(file, 100);
  EXPECT_EQ(whole.reduced_by, 1);
  EXPECT_EQ(whole.image.pixelColor(1, 1), QColor(40, 40, 40));
  const ShownImage half = load_image(file, 4);
  EXPECT_EQ(half.reduced_by, 2);
  EXPECT_EQ(half.full_size, QSize(3, 3));
  EXPECT_EQ(half.image.size(), QSize(2, 2));
  EXPECT_EQ(half.image.pixelColor(0, 0), QColor(25, 25, 25));
  EXPECT_EQ(half.image.pixelColor(1, 0), QColor(90, 90, 90));
  EXPECT_EQ(half.image.pixelColor(0, 1), QColor(200, 200, 200));
}

TEST_F(Results, StopBeingReadWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  try {
    (void)load_image(gray("a.pgm", 1, {1}), 100, stop.get_token());
    FAIL() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST_F(Results, DifferWhereTheHeatMapIsBright) {
  const auto map = difference_map(gray("a.pgm", 2, {0, 0, 100, 100}), gray("b.pgm", 2, {0, 50, 0, 100}), 100);
  ASSERT_TRUE(map);
  EXPECT_DOUBLE_EQ(map->largest, 100);
  EXPECT_DOUBLE_EQ(map->mean, 150.0 / 4);
  EXPECT_EQ(map->pixels_that_differ, 2);
  EXPECT_EQ(map->heat.pixelColor(0, 0), map->heat.pixelColor(1, 1));
  EXPECT_LT(map->heat.pixelColor(0, 0).lightness(), 10);
  EXPECT_LT(map->heat.pixelColor(1, 0).lightness(), map->heat.pixelColor(0, 1).lightness());
}

TEST_F(Results, ShowASinglePixelThatDiffersAlsoWhenReduced) {
  std::vector<int> levels(100 * 100, 7);
  const QString before = gray("a.pgm", 100, levels);
  levels[57 * 100 + 33] = 8;
  const auto map = difference_map(before, gray("b.pgm", 100, levels), 100);
  ASSERT_TRUE(map);
  EXPECT_EQ(map->heat.size(), QSize(10, 10));
  EXPECT_GT(map->heat.pixelColor(3, 5).lightness(), 150);
  EXPECT_LT(map->heat.pixelColor(4, 5).lightness(), 10);
  EXPECT_DOUBLE_EQ(map->largest, 1);
}

TEST_F(Results, OfAnotherSizeAreNotCompared) {
  EXPECT_FALSE(difference_map(gray("a.pgm", 1, {1, 2}), gray("b.pgm", 2, {1, 2}), 100));
}

TEST_F(Results, AreSavedBesideWhatIsThere) {
  const auto result = text("result", "new");
  text("a.png", "mine");
  EXPECT_EQ(save_into(result, folder.path(), "a.png"), folder.path() / "a (2).png");
  EXPECT_EQ(save_into(result, folder.path(), "../a.png"), folder.path() / "a (3).png");
  EXPECT_EQ(read_file(folder.path() / "a.png"), "mine");
  EXPECT_EQ(read_file(folder.path() / "a (2).png"), "new");
  save_as(result, folder.path() / "a.png");
  EXPECT_EQ(read_file(folder.path() / "a.png"), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 4);
}

TEST_F(Results, ThatCannotBeSavedSayWhyAndLeaveNothing) {
  try {
    save_into(folder.path() / "gone.png", folder.path(), "a.png");
    FAIL() << "it was saved";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
  try {
    save_into(text("result", "new"), folder.path() / "no folder", "a.png");
    FAIL() << "it was saved";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find("no folder"), std::string::npos) << error.what();
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace tessera::desktop
