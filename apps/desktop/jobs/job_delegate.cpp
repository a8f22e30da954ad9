// SPDX-License-Identifier: Apache-2.0
#include "jobs/job_delegate.hpp"

#include <QApplication>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <algorithm>

#include "jobs/model/job_list_model.hpp"
#include "view/pixel_painting.hpp"

namespace tessera::desktop {
namespace {

constexpr int margin = 8;
constexpr int gap = 10;
constexpr int bar_height = 4;

bool is_dark(const QPalette& palette) { return palette.color(QPalette::Base).lightness() < 128; }

QString button_text(RowButton button) {
  switch (button) {
    case RowButton::cancel:
      return JobDelegate::tr("Cancel");
    case RowButton::retry:
      return JobDelegate::tr("Try again");
    case RowButton::save:
      return JobDelegate::tr("Save…");
    case RowButton::none:
      break;
  }
  return {};
}

void draw_empty_frame(QPainter& painter, const QRect& rect, const QPalette& palette) {
  QColor color = palette.color(QPalette::Text);
  color.setAlpha(24);
  QPainterPath path;
  path.addRoundedRect(rect, 3, 3);
  painter.fillPath(path, color);
}

void draw_bar(QPainter& painter, const QRect& rect, double fraction, const QPalette& palette, bool selected) {
  QColor groove = palette.color(selected ? QPalette::HighlightedText : QPalette::Text);
  groove.setAlpha(45);
  QPainterPath path;
  path.addRoundedRect(rect, bar_height / 2.0, bar_height / 2.0);
  painter.fillPath(path, groove);
  if (fraction > 0) {
    QRectF part = rect;
    part.setWidth(std::max<double>(bar_height, rect.width() * std::min(fraction, 1.0)));
    QPainterPath filled;
    filled.addRoundedRect(part, bar_height / 2.0, bar_height / 2.0);
    painter.fillPath(filled, palette.color(selected ? QPalette::HighlightedText : QPalette::Highlight));
  }
}

}  // namespace

RowButton row_button(const JobRecord& job) {
  switch (job.phase) {
    case JobPhase::done:
      return RowButton::save;
    case JobPhase::failed:
    case JobPhase::cancelled:
      return RowButton::retry;
    default:
      return RowButton::cancel;
  }
}

QColor failure_color(const QPalette& palette) {
  return is_dark(palette) ? QColor(0xff, 0x8a, 0x80) : QColor(0xb3, 0x26, 0x1e);
}

QColor success_color(const QPalette& palette) {
  return is_dark(palette) ? QColor(0x81, 0xc9, 0x95) : QColor(0x1b, 0x6e, 0x35);
}

QColor muted_color(const QPalette& palette, QPalette::ColorRole text) {
  QColor color = palette.color(text);
  color.setAlphaF(0.65F);
  return color;
}

QSize JobDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const {
  const int text = option.fontMetrics.height() * 2 + bar_height + 3 * 3;
  return {320, std::max(text, thumbnail_height) + 2 * margin};
}

QRect JobDelegate::button_rect(const QStyleOptionViewItem& option, RowButton button) const {
  QStyleOptionButton look;
  look.text = button_text(button);
  const QSize text = option.fontMetrics.size(Qt::TextShowMnemonic, look.text);
  const QStyle& style = option.widget != nullptr ? *option.widget->style() : *QApplication::style();
  const QSize size = style.sizeFromContents(QStyle::CT_PushButton, &look, text + QSize(8, 0), option.widget);
  QRect rect(0, 0, size.width(), size.height());
  rect.moveCenter(option.rect.center());
  rect.moveRight(option.rect.right() - margin);
  return QStyle::visualRect(option.direction, option.rect, rect);
}

void JobDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                        const QModelIndex& index) const {
  const auto job = index.data(JobListModel::RecordRole).value<JobRecord>();
  const bool selected = option.state.testFlag(QStyle::State_Selected);
  const QStyle& style = option.widget != nullptr ? *option.widget->style() : *QApplication::style();
  const QPalette& palette = option.palette;
  const auto role = selected ? QPalette::HighlightedText : QPalette::Text;

  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  QStyleOptionViewItem background = option;
  style.drawPrimitive(QStyle::PE_PanelItemViewItem, &background, painter, option.widget);
  if (option.state.testFlag(QStyle::State_HasFocus)) {
    QStyleOptionFocusRect focus;
    focus.QStyleOption::operator=(option);
    focus.rect = option.rect.adjusted(1, 1, -1, -1);
    focus.backgroundColor = palette.color(selected ? QPalette::Highlight : QPalette::Base);
    style.drawPrimitive(QStyle::PE_FrameFocusRect, &focus, painter, option.widget);
  }

  const auto place = [&](QRect rect) { return QStyle::visualRect(option.direction, option.rect, rect); };
  const QRect inner = option.rect.adjusted(margin, margin, -margin, -margin);
  QRect picture(inner.left(), 0, thumbnail_width, thumbnail_height);
  picture.moveTop(inner.center().y() - thumbnail_height / 2);
  const auto image = index.data(JobListModel::ThumbnailRole).value<QImage>();
  if (image.isNull()) {
    draw_empty_frame(*painter, place(picture), palette);
  } else {
    draw_thumbnail(*painter, place(picture), image);
  }
  Q_EMIT thumbnail_wanted(job.key);

  const RowButton button = row_button(job);
  const QRect button_place = button_rect(option, button);
  const int button_space = button_place.width();

  const int left = picture.right() + gap;
  const int right = inner.right() - button_space - gap;
  const int line = option.fontMetrics.height();
  const bool shows_bar = !is_over(job.phase);
  const int block = 2 * line + 3 + (shows_bar ? bar_height + 5 : 0);
  int top = inner.center().y() - block / 2;

  QFont name_font = option.font;
  name_font.setWeight(QFont::DemiBold);
  const QString status = status_text(job);
  const int status_width = option.fontMetrics.horizontalAdvance(status);
  painter->setFont(option.font);
  QColor status_color = muted_color(palette, role);
  if (!selected && job.phase == JobPhase::failed) {
    status_color = failure_color(palette);
  } else if (!selected && job.phase == JobPhase::done) {
    status_color = success_color(palette);
  }
  painter->setPen(status_color);
  const QRect status_rect(right - status_width, top, status_width, line);
  painter->drawText(place(status_rect), Qt::AlignVCenter, status);

  painter->setFont(name_font);
  painter->setPen(palette.color(role));
  const QRect name_rect(left, top, std::max(0, status_rect.left() - gap - left), line);
  painter->drawText(place(name_rect), static_cast<int>(Qt::AlignVCenter | Qt::AlignLeading),
                    QFontMetrics(name_font).elidedText(job.name, Qt::ElideMiddle, name_rect.width()));

  top += line + 3;
  painter->setFont(option.font);
  painter->setPen(!selected && job.phase == JobPhase::failed ? failure_color(palette)
                                                             : muted_color(palette, role));
  const QRect remark_rect(left, top, std::max(0, right - left), line);
  const QString remark = index.data(JobListModel::RemarkRole).toString();
  painter->drawText(place(remark_rect), static_cast<int>(Qt::AlignVCenter | Qt::AlignLeading),
                    option.fontMetrics.elidedText(remark, Qt::ElideRight, remark_rect.width()));
  if (shows_bar) {
    top += line + 5;
    draw_bar(*painter, place({left, top, std::max(0, right - left), bar_height}), job.fraction, palette,
             selected);
  }

  QStyleOptionButton look;
  look.QStyleOption::operator=(option);
  look.rect = button_place;
  look.text = button_text(button);
  look.state = QStyle::State_Enabled | (pressed_ == index ? QStyle::State_Sunken : QStyle::State_Raised);
  style.drawControl(QStyle::CE_PushButton, &look, painter, option.widget);
  painter->restore();
}

bool JobDelegate::editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                              const QModelIndex& index) {
  if (event->type() != QEvent::MouseButtonPress && event->type() != QEvent::MouseButtonRelease &&
      event->type() != QEvent::MouseButtonDblClick) {
    return QStyledItemDelegate::editorEvent(event, model, option, index);
  }
  const auto* const mouse = static_cast<QMouseEvent*>(event);
  const auto job = index.data(JobListModel::RecordRole).value<JobRecord>();
  const RowButton button = row_button(job);
  if (mouse->button() != Qt::LeftButton ||
      !button_rect(option, button).contains(mouse->position().toPoint())) {
    pressed_ = QModelIndex();
    return false;
  }
  if (event->type() == QEvent::MouseButtonRelease) {
    if (pressed_ == index) {
      Q_EMIT button_pressed(job.key, button);
    }
    pressed_ = QModelIndex();
  } else {
    pressed_ = index;
  }
  return true;
}

}  // namespace tessera::desktop
