// SPDX-License-Identifier: Apache-2.0
#include "view/pixel_painting.hpp"

#include <QPixmapCache>
#include <cmath>

namespace tessera::desktop {

QRectF on_whole_pixels(const QPainter& painter, const QRectF& rect) {
  const QTransform to_device = painter.deviceTransform();
  const QPointF corner = to_device.map(rect.topLeft());
  const QPointF whole(std::round(corner.x()), std::round(corner.y()));
  return {to_device.inverted().map(whole), rect.size()};
}

void draw_thumbnail(QPainter& painter, const QRectF& frame, const QImage& image) {
  const double density = painter.device()->devicePixelRatioF();
  const QSize size =
      image.size().scaled((frame.size() * density).toSize(), Qt::KeepAspectRatio).expandedTo({1, 1});
  const QString key =
      QStringLiteral("thumbnail-%1-%2x%3").arg(image.cacheKey()).arg(size.width()).arg(size.height());
  QPixmap pixmap;
  if (!QPixmapCache::find(key, &pixmap)) {
    pixmap = QPixmap::fromImage(image.scaled(size, Qt::IgnoreAspectRatio, Qt::SmoothTransformation));
    QPixmapCache::insert(key, pixmap);
  }
  pixmap.setDevicePixelRatio(density);
  const QSizeF shown = pixmap.deviceIndependentSize();
  const QRectF place(frame.center() - QPointF(shown.width() / 2, shown.height() / 2), shown);
  painter.drawPixmap(on_whole_pixels(painter, place).topLeft(), pixmap);
}

}  // namespace tessera::desktop
