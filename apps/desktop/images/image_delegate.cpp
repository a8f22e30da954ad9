// SPDX-License-Identifier: Apache-2.0
#include "images/image_delegate.hpp"

#include <QApplication>
#include <QPainter>

#include "images/image_list_model.hpp"
#include "view/icons.hpp"
#include "view/pixel_painting.hpp"

namespace tessera::desktop {
namespace {

constexpr int thumbnail_width = 84;
constexpr int thumbnail_height = 63;
constexpr int margin = 6;

void draw_sign(QPainter* painter, const QRect& frame, Icon shape) {
  const QSize size(24, 24);
  const QRect place(frame.center() - QPoint(size.width() / 2, size.height() / 2), size);
  icon(shape).paint(painter, place, Qt::AlignCenter, QIcon::Disabled);
}

}  // namespace

void ImageDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                          const QModelIndex& index) const {
  QStyleOptionViewItem item = option;
  initStyleOption(&item, index);
  const QStyle* style = item.widget != nullptr ? item.widget->style() : QApplication::style();
  style->drawPrimitive(QStyle::PE_PanelItemViewItem, &item, painter, item.widget);

  painter->save();
  const QRect frame(item.rect.left() + margin, item.rect.top() + margin, thumbnail_width, thumbnail_height);
  const bool failed = !index.data(ImageListModel::ErrorRole).toString().isEmpty();
  const auto thumbnail = index.data(ImageListModel::ThumbnailRole).value<QImage>();
  if (thumbnail.isNull()) {
    draw_sign(painter, frame, failed ? Icon::warning : Icon::image);
  } else {
    draw_thumbnail(*painter, frame, thumbnail);
  }

  const bool selected = item.state.testFlag(QStyle::State_Selected);
  const QPalette::ColorGroup group =
      item.widget != nullptr && item.widget->isActiveWindow() ? QPalette::Active : QPalette::Inactive;
  const QColor color = item.palette.color(group, selected ? QPalette::HighlightedText : QPalette::Text);
  QColor quiet = color;
  quiet.setAlphaF(0.7F);
  QFont small = item.font;
  small.setPointSizeF(item.font.pointSizeF() * 0.9);
  const QFontMetrics metrics(item.font);
  const QFontMetrics small_metrics(small);
  const QRect text = item.rect.adjusted(thumbnail_width + 3 * margin, margin, -margin, -margin);
  // Two facts a line, so that a narrow list shows them all.
  QStringList facts = index.data(ImageListModel::DetailsRole).toString().split(QStringLiteral("  ·  "));
  QStringList lines{facts.takeFirst()};
  if (!facts.isEmpty()) {
    lines << facts.join(QStringLiteral(" · "));
  }
  if (index.data(ImageListModel::OwnPipelineRole).toBool()) {
    lines.last() += tr(" · own pipeline");
  }
  int y =
      text.center().y() - (metrics.height() + static_cast<int>(lines.size()) * small_metrics.height()) / 2;
  painter->setPen(color);
  painter->setFont(item.font);
  painter->drawText(QRect(text.left(), y, text.width(), metrics.height()), Qt::AlignLeft | Qt::AlignVCenter,
                    metrics.elidedText(item.text, Qt::ElideMiddle, text.width()));
  y += metrics.height();
  painter->setFont(small);
  painter->setPen(failed && !selected ? QColor(0xc0, 0x50, 0x40) : quiet);
  for (const QString& line : lines) {
    painter->drawText(QRect(text.left(), y, text.width(), small_metrics.height()),
                      Qt::AlignLeft | Qt::AlignVCenter,
                      small_metrics.elidedText(line, Qt::ElideRight, text.width()));
    y += small_metrics.height();
  }
  painter->restore();
}

QSize ImageDelegate::sizeHint(const QStyleOptionViewItem& /*option*/, const QModelIndex& /*index*/) const {
  return {200, thumbnail_height + 2 * margin};
}

}  // namespace tessera::desktop
