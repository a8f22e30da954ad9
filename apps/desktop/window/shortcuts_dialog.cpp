// SPDX-License-Identifier: Apache-2.0
#include "window/shortcuts_dialog.hpp"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QMenu>
#include <QMenuBar>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace tessera::desktop {
namespace {

QString plain(QString text) { return text.remove('&').remove(QStringLiteral("…")); }

QString keys_of(const QAction& action) {
  QStringList keys;
  for (const QKeySequence& shortcut : action.shortcuts()) {
    keys << shortcut.toString(QKeySequence::NativeText);
  }
  return keys.join(QStringLiteral(", "));
}

void add_actions(QTreeWidgetItem* group, const QMenu& menu) {
  for (const QAction* action : menu.actions()) {
    if (const QMenu* const inner = action->menu(); inner != nullptr) {
      add_actions(group, *inner);
    } else if (!action->shortcuts().isEmpty()) {
      group->addChild(new QTreeWidgetItem({plain(action->text()), keys_of(*action)}));
    }
  }
}

}  // namespace

ShortcutsDialog::ShortcutsDialog(const QMenuBar& menus, QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Keyboard shortcuts"));
  auto* list = new QTreeWidget;
  list->setHeaderLabels({tr("Action"), tr("Keys")});
  list->setAccessibleName(tr("Keyboard shortcuts"));
  list->setSelectionMode(QAbstractItemView::NoSelection);
  for (const QAction* action : menus.actions()) {
    auto* group = new QTreeWidgetItem({plain(action->text())});
    add_actions(group, *action->menu());
    if (group->childCount() > 0) {
      list->addTopLevelItem(group);
    } else {
      delete group;
    }
  }
  auto* images = new QTreeWidgetItem({tr("List of images")});
  images->addChild(new QTreeWidgetItem({tr("Remove from the list"), tr("Delete")}));
  images->addChild(new QTreeWidgetItem({tr("Move up, move down"), tr("Ctrl+Up, Ctrl+Down")}));
  list->addTopLevelItem(images);
  list->expandAll();
  list->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  list->header()->setStretchLastSection(false);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* column = new QVBoxLayout(this);
  column->addWidget(list);
  column->addWidget(buttons);
  constexpr QSize comfortable(520, 560);
  resize(comfortable);
}

}  // namespace tessera::desktop
