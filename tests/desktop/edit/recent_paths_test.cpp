// SPDX-License-Identifier: Apache-2.0
#include "window/recent_paths.hpp"

#include <gtest/gtest.h>

#include <QDir>
#include <QTemporaryDir>

namespace tessera::desktop {
namespace {

TEST(RecentPaths, TheLastComesFirstOnceAndWhatIsGoneIsLeftOut) {
  const QTemporaryDir folder;
  for (int i = 0; i < max_recent_paths + 2; ++i) {
    const QString path = folder.filePath(QString::number(i));
    QDir().mkpath(path);
    remember_path(path);
  }
  remember_path(folder.filePath("5"));
  EXPECT_EQ(recent_paths().size(), max_recent_paths);
  EXPECT_EQ(recent_paths().first(), folder.filePath("5"));
  EXPECT_EQ(recent_paths().count(folder.filePath("5")), 1);
  QDir(folder.filePath("5")).removeRecursively();
  EXPECT_EQ(recent_paths().size(), max_recent_paths - 1);
  forget_recent_paths();
  EXPECT_TRUE(recent_paths().isEmpty());
}

TEST(RecentPaths, SeveralFilesAreRememberedByTheirFolder) {
  EXPECT_EQ(recent_entry({"/a/b.png"}), "/a/b.png");
  EXPECT_EQ(recent_entry({"/a/b.png", "/a/c.png"}), "/a");
  EXPECT_EQ(recent_entry({}), "");
}

}  // namespace
}  // namespace tessera::desktop
