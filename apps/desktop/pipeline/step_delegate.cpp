// SPDX-License-Identifier: Apache-2.0
#include "pipeline/step_delegate.hpp"

#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include "pipeline/pipeline_model.hpp"

namespace tessera::desktop {
namespace {

constexpr int margin_px = 8;

QRect check_rect(const QStyleOptionViewItem& option) {
  const QStyle* style = option.widget != nullptr ? option.widget->style() : QApplication::style();
  const QSize size(style->pixelMetric(QStyle::PM_IndicatorWidth, &option, option.widget),
                   style->pixelMetric(QStyle::PM_IndicatorHeight, &option, option.widget));
  return {QPoint(option.rect.left() + margin_px, option.rect.center().y() - size.height() / 2), size};
}

QFont small_font(const QFont& font) {
  QFont small = font;
  small.setPointSizeF(font.pointSizeF() * 0.9);
  return small;
}

}  // namespace

void StepDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                         const QModelIndex& index) const {
  QStyleOptionViewItem item = option;
  initStyleOption(&item, index);
  const QStyle* style = item.widget != nullptr ? item.widget->style() : QApplication::style();
  item.text.clear();
  style->drawPrimitive(QStyle::PE_PanelItemViewItem, &item, painter, item.widget);

  QStyleOptionViewItem check = item;
  check.rect = check_rect(item);
  check.state &= ~(QStyle::State_HasFocus | QStyle::State_On | QStyle::State_Off);
  const bool enabled = index.data(PipelineModel::EnabledRole).toBool();
  check.state |= enabled ? QStyle::State_On : QStyle::State_Off;
  style->drawPrimitive(QStyle::PE_IndicatorItemViewItemCheck, &check, painter, item.widget);

  const bool selected = item.state.testFlag(QStyle::State_Selected);
  const QPalette::ColorGroup group = enabled ? QPalette::Active : QPalette::Disabled;
  const QColor color = item.palette.color(group, selected ? QPalette::HighlightedText : QPalette::Text);
  const QRect text = item.rect.adjusted(check.rect.right() - item.rect.left() + margin_px, 6, -margin_px, -6);
  painter->save();
  painter->setPen(color);
  painter->setFont(item.font);
  const QFontMetrics metrics(item.font);
  const QString summary = index.data(PipelineModel::SummaryRole).toString();
  const QString name = index.data(Qt::DisplayRole).toString();
  if (summary.isEmpty()) {
    painter->drawText(text, Qt::AlignVCenter, metrics.elidedText(name, Qt::ElideRight, text.width()));
  } else {
    painter->drawText(text, Qt::AlignTop, metrics.elidedText(name, Qt::ElideRight, text.width()));
    const QFont small = small_font(item.font);
    QColor quiet = color;
    quiet.setAlphaF(enabled ? 0.7F : 1.0F);
    painter->setPen(quiet);
    painter->setFont(small);
    painter->drawText(text, Qt::AlignBottom,
                      QFontMetrics(small).elidedText(summary, Qt::ElideRight, text.width()));
  }
  painter->restore();
}

QSize StepDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& /*index*/) const {
  const int height = QFontMetrics(option.font).height() + QFontMetrics(small_font(option.font)).height() + 14;
  return {160, height};
}

bool StepDelegate::editorEvent(QEvent* event, QAbstractItemModel* model, const QStyleOptionViewItem& option,
                               const QModelIndex& index) {
  bool toggle = false;
  if (event->type() == QEvent::MouseButtonRelease) {
    const auto* mouse = static_cast<QMouseEvent*>(event);
    toggle =
        mouse->button() == Qt::LeftButton &&
        check_rect(option).adjusted(-margin_px, -margin_px, margin_px / 2, margin_px).contains(mouse->pos());
  } else if (event->type() == QEvent::KeyPress) {
    const int key = static_cast<QKeyEvent*>(event)->key();
    toggle = key == Qt::Key_Space || key == Qt::Key_Select;
  }
  if (!toggle) {
    return false;  // the base class would look for the box elsewhere
  }
  const bool enabled = index.data(PipelineModel::EnabledRole).toBool();
  return model->setData(index, enabled ? Qt::Unchecked : Qt::Checked, Qt::CheckStateRole);
}

}  // namespace tessera::desktop
