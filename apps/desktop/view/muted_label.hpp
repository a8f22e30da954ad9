// SPDX-License-Identifier: Apache-2.0
// Text that matters less than what is around it, and can be copied.
#pragma once

#include <QLabel>

namespace tessera::desktop {

[[nodiscard]] inline QLabel* muted_label(const QString& text = {}) {
  auto* const label = new QLabel(text);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

}  // namespace tessera::desktop
