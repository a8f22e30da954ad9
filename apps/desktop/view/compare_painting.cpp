// SPDX-License-Identifier: Apache-2.0
#include "view/compare_painting.hpp"

#include <QFontMetricsF>
#include <QPainterPath>
#include <QPixmap>
#include <cmath>

namespace tessera::desktop {
namespace {

/// From here on pixels are drawn as squares: who looks that closely wants to see them.
constexpr double pixel_zoom = 2;

/// Shows through where a picture is transparent.
QPixmap checkerboard() {
  constexpr int square = 8;
  QPixmap pixmap(2 * square, 2 * square);
  pixmap.fill(QColor(0xcc, 0xcc, 0xcc));
  QPainter painter(&pixmap);
  painter.fillRect(0, 0, square, square, QColor(0xf4, 0xf4, 0xf4));
  painter.fillRect(square, square, square, square, QColor(0xf4, 0xf4, 0xf4));
  return pixmap;
}

void draw_image(QPainter& painter, const QImage& image, const QRectF& at) {
  const double density = painter.device()->devicePixelRatioF();
  const double magnified = at.width() * density / image.width();
  painter.setRenderHint(QPainter::SmoothPixmapTransform,
                        magnified < pixel_zoom && std::abs(magnified - 1) > 1e-6);
  painter.drawImage(at, image);
}

}  // namespace

QRectF fit_into(const QSizeF& size, const QRectF& frame) {
  const QSizeF scaled = size.scaled(frame.size(), Qt::KeepAspectRatio);
  return {frame.center() - QPointF(scaled.width() / 2, scaled.height() / 2), scaled};
}

void draw_picture(QPainter& painter, const Picture& picture, const QRectF& target, const QRectF& clip) {
  const QRectF shown = target & clip;
  if (picture.scaled.isNull() || shown.isEmpty()) {
    return;
  }
  painter.save();
  painter.setClipRect(shown);
  if (picture.scaled.hasAlphaChannel()) {
    painter.drawTiledPixmap(shown, checkerboard());
  }
  draw_image(painter, picture.scaled, target);
  if (!picture.detail.isNull()) {
    const double scale = target.width() / picture.full_size.width();
    const QRectF part(target.topLeft() + QPointF(picture.detail_rect.topLeft()) * scale,
                      QSizeF(picture.detail_rect.size()) * scale);
    if (picture.detail.hasAlphaChannel()) {
      painter.drawTiledPixmap(part, checkerboard());
    }
    draw_image(painter, picture.detail, part);
  }
  painter.restore();
}

void draw_pane_label(QPainter& painter, const QRectF& pane, const QString& text, Qt::Alignment side) {
  const QFontMetricsF metrics(painter.font());
  const QSizeF size(metrics.horizontalAdvance(text) + 16, metrics.height() + 6);
  const double x = side == Qt::AlignLeft ? pane.left() + 8 : pane.right() - 8 - size.width();
  const QRectF box(QPointF(x, pane.top() + 8), size);
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(QColor(0, 0, 0, 150));
  painter.drawRoundedRect(box, 4, 4);
  painter.setPen(Qt::white);
  painter.drawText(box, Qt::AlignCenter, text);
  painter.restore();
}

void draw_divider(QPainter& painter, double x, double height) {
  painter.save();
  painter.fillRect(QRectF(x - 1.5, 0, 3, height), QColor(0, 0, 0, 90));
  painter.fillRect(QRectF(x - 0.5, 0, 1, height), Qt::white);
  painter.setRenderHint(QPainter::Antialiasing);
  const QPointF middle(x, height / 2);
  painter.setPen(QPen(QColor(0, 0, 0, 90), 1));
  painter.setBrush(Qt::white);
  painter.drawEllipse(middle, 13, 13);
  painter.setPen(QPen(QColor(0x33, 0x33, 0x33), 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter.setBrush(Qt::NoBrush);
  for (const double side : {-1.0, 1.0}) {
    QPainterPath arrow(middle + QPointF(side * 4, -4));
    arrow.lineTo(middle + QPointF(side * 8, 0));
    arrow.lineTo(middle + QPointF(side * 4, 4));
    painter.drawPath(arrow);
  }
  painter.restore();
}

}  // namespace tessera::desktop
