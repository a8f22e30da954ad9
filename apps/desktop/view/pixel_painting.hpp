// SPDX-License-Identifier: Apache-2.0
// Pictures on whole pixels of the screen, whatever its density.
#pragma once

#include <QImage>
#include <QPainter>
#include <QRectF>

namespace tessera::desktop {

/// The rectangle, moved by less than a pixel so that its corner is on one of the device's. A widget's own
/// corner need not be on one: at a density of 1.5 every other is not.
[[nodiscard]] QRectF on_whole_pixels(const QPainter& painter, const QRectF& rect);

/// The image in the middle of the frame, as big as fits. It is made smaller with care, once for each density.
void draw_thumbnail(QPainter& painter, const QRectF& frame, const QImage& image);

}  // namespace tessera::desktop
