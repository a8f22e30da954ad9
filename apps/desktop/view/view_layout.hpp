// SPDX-License-Identifier: Apache-2.0
// Where a picture lies in a view, and what of it is seen. Arithmetic only: no widget, nothing is drawn.
#pragma once

#include <QPointF>
#include <QRect>
#include <QRectF>
#include <QSize>
#include <QSizeF>
#include <optional>
#include <vector>

namespace tessera::desktop {

/// What the user has chosen to look at.
struct ViewPosition {
  bool fits = true;          ///< the whole picture, however big the view is
  double zoom = 1;           ///< pixels of the screen for each pixel of the picture, where it is not fitted
  QPointF centre{0.5, 0.5};  ///< of the view, as a part of the picture
};

/// A view of a certain size on a screen of a certain density, with a picture at a certain position. Lengths
/// and points are in the view's own units, of which each is `density` pixels of the screen; those of the
/// picture say so.
class ViewLayout {
 public:
  /// `picture`: in its pixels; may be empty. `two_panes`: it is shown twice, side by side.
  ViewLayout(const QSizeF& view, double density, const QSize& picture, bool two_panes,
             const ViewPosition& position)
      : view_(view), density_(density), picture_(picture), two_panes_(two_panes), position_(position) {}

  /// One, or the left and the right one.
  [[nodiscard]] std::vector<QRectF> panes() const;
  /// All of the picture, as it lies in that pane, cut off or not. Its corner is on a whole pixel of the
  /// screen, so that 100 % shows the picture's own pixels.
  [[nodiscard]] QRectF picture_rect(const QRectF& pane) const;
  /// Pixels of the screen for each pixel of the picture.
  [[nodiscard]] double zoom() const;
  /// What is seen of the picture, in its pixels.
  [[nodiscard]] QRect visible_region() const;
  /// The picture's pixel that lies there.
  [[nodiscard]] std::optional<QPoint> pixel_at(const QPointF& at) const;

  /// With another zoom, and the same place of the picture at that point. As it is if there is no picture.
  [[nodiscard]] ViewPosition zoomed(double zoom, const QPointF& around) const;
  /// With the picture moved by that much.
  [[nodiscard]] ViewPosition moved(const QPointF& by) const;
  /// As near to what was chosen as can be without showing more emptiness than need be.
  [[nodiscard]] ViewPosition in_sight() const;

 private:
  [[nodiscard]] double fit_zoom() const;
  [[nodiscard]] QSizeF size_at(double zoom) const { return QSizeF(picture_) * (zoom / density_); }

  QSizeF view_;
  double density_;
  QSize picture_;
  bool two_panes_;
  ViewPosition position_;
};

}  // namespace tessera::desktop
