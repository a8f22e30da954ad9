// SPDX-License-Identifier: Apache-2.0
// Draws a job in the list: picture, name, what is done to it, how far it is, and one button.
#pragma once

#include <QStyledItemDelegate>

#include "jobs/model/job_record.hpp"

namespace tessera::desktop {

/// What the button of a row does.
enum class RowButton : std::uint8_t { none, cancel, retry, save };
[[nodiscard]] RowButton row_button(const JobRecord& job);

/// Of the pictures in the list, in pixels of the screen before scaling.
constexpr int thumbnail_width = 64;
constexpr int thumbnail_height = 48;

class JobDelegate : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 Q_SIGNALS:
  void button_pressed(const QString& key, tessera::desktop::RowButton button);
  /// A row is drawn: its picture should be that of the job as it is now.
  void thumbnail_wanted(const QString& key) const;

 protected:
  bool editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                   const QModelIndex& index) override;

 private:
  [[nodiscard]] QRect button_rect(const QStyleOptionViewItem& option, RowButton button) const;
  QPersistentModelIndex pressed_;
};

/// Of failures, readable on light and on dark.
[[nodiscard]] QColor failure_color(const QPalette& palette);
[[nodiscard]] QColor success_color(const QPalette& palette);
/// Of text that matters less.
[[nodiscard]] QColor muted_color(const QPalette& palette, QPalette::ColorRole text = QPalette::Text);

}  // namespace tessera::desktop
