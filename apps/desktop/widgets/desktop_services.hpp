// SPDX-License-Identifier: Apache-2.0
// What the desktop around the program offers. Where it does not, something simpler happens.
#pragma once

#include <QString>
#include <QWidget>

namespace tessera::desktop {

/// A message of the desktop (org.freedesktop.Notifications), or of the system's tray. If there is neither,
/// the window asks for attention.
void notify(const QString& title, const QString& text, QWidget* window);

/// Shows the file in the file manager, selected (org.freedesktop.FileManager1); or opens its folder.
void reveal(const QString& file);

}  // namespace tessera::desktop
