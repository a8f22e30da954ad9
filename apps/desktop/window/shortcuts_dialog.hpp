// SPDX-License-Identifier: Apache-2.0
// The list of keyboard shortcuts.
#pragma once

#include <QDialog>

class QMenuBar;

namespace tessera::desktop {

/// Read from the menus, so that no shortcut is missing or wrong.
class ShortcutsDialog : public QDialog {
  Q_OBJECT

 public:
  explicit ShortcutsDialog(const QMenuBar& menus, QWidget* parent = nullptr);
};

}  // namespace tessera::desktop
