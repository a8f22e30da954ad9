// SPDX-License-Identifier: Apache-2.0
// The list of shortcuts says what the menus do, and no two actions want the same keys.
#include "window/shortcuts_dialog.hpp"

#include <gtest/gtest.h>

#include <QMenu>
#include <QMenuBar>
#include <QStandardPaths>
#include <QTreeWidget>
#include <map>

#include "window/main_window.hpp"

namespace tessera::desktop {
namespace {

TEST(ShortcutsDialog, ListsEveryShortcutOfTheMenus) {
  QStandardPaths::setTestModeEnabled(true);
  const MainWindow window;
  const ShortcutsDialog dialog(*window.menuBar());
  const auto* const list = dialog.findChild<QTreeWidget*>();
  std::map<QString, QString> listed;
  for (int group = 0; group < list->topLevelItemCount(); ++group) {
    for (int row = 0; row < list->topLevelItem(group)->childCount(); ++row) {
      const QTreeWidgetItem* const item = list->topLevelItem(group)->child(row);
      EXPECT_TRUE(listed.emplace(item->text(0), item->text(1)).second) << item->text(0).toStdString();
    }
  }
  std::map<QKeySequence, QString> used;
  for (const QAction* const action : window.menuBar()->findChildren<QAction*>()) {
    for (const QKeySequence& keys : action->shortcuts()) {
      EXPECT_TRUE(used.emplace(keys, action->text()).second)
          << keys.toString().toStdString() << " is used for " << used[keys].toStdString() << " and "
          << action->text().toStdString();
      const QString name = QString(action->text()).remove('&').remove(QStringLiteral("…"));
      EXPECT_TRUE(listed[name].contains(keys.toString(QKeySequence::NativeText))) << name.toStdString();
    }
  }
  EXPECT_GT(used.size(), 10U);
}

}  // namespace
}  // namespace tessera::desktop
