// SPDX-License-Identifier: Apache-2.0
// A row of the image list: thumbnail, name, facts.
#pragma once

#include <QStyledItemDelegate>

namespace tessera::desktop {

class ImageDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace tessera::desktop
