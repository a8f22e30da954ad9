// SPDX-License-Identifier: Apache-2.0
// How pictures that are compared look: their pixels, their labels, the handle between them.
#pragma once

#include <QPainter>
#include <QRectF>
#include <QString>

#include "view/picture.hpp"

namespace tessera::desktop {

/// Of that size's proportions, as big as the frame allows, in its middle.
[[nodiscard]] QRectF fit_into(const QSizeF& size, const QRectF& frame);

/// The picture on `target`, as far as `clip` shows it, with its detail over it. Squares show through where it
/// is transparent. Drawn smooth where it is scaled, and pixel for pixel at 100 % and where single pixels can
/// be seen.
void draw_picture(QPainter& painter, const Picture& picture, const QRectF& target, const QRectF& clip);

/// Words in the pane's upper corner on that side, readable on any picture.
void draw_pane_label(QPainter& painter, const QRectF& pane, const QString& text, Qt::Alignment side);

/// A line from top to bottom with a handle to drag.
void draw_divider(QPainter& painter, double x, double height);

}  // namespace tessera::desktop
