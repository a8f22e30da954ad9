// SPDX-License-Identifier: Apache-2.0
#include "view/view_layout.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::desktop {
namespace {

constexpr double min_zoom = 0.02;
constexpr double max_zoom = 32;
constexpr double pane_gap = 8;

}  // namespace

std::vector<QRectF> ViewLayout::panes() const {
  if (!two_panes_) {
    return {QRectF(QPointF(0, 0), view_)};
  }
  const double half = std::floor((view_.width() - pane_gap) / 2);
  return {QRectF(0, 0, half, view_.height()), QRectF(view_.width() - half, 0, half, view_.height())};
}

double ViewLayout::fit_zoom() const {
  if (picture_.isEmpty()) {
    return 1;
  }
  const QSizeF pane = panes().front().size() * density_;
  const double fit = std::min(pane.width() / picture_.width(), pane.height() / picture_.height());
  // Small pictures are not blown up: their pixels would be all there is to see.
  return std::clamp(fit, min_zoom, 1.0);
}

double ViewLayout::zoom() const { return position_.fits ? fit_zoom() : position_.zoom; }

QRectF ViewLayout::picture_rect(const QRectF& pane) const {
  const QSizeF size = size_at(zoom());
  const QPointF corner(pane.center().x() - position_.centre.x() * size.width(),
                       pane.center().y() - position_.centre.y() * size.height());
  return {QPointF(std::round(corner.x() * density_) / density_, std::round(corner.y() * density_) / density_),
          size};
}

QRect ViewLayout::visible_region() const {
  if (picture_.isEmpty()) {
    return {};
  }
  const QRectF pane = panes().front();
  const QRectF picture = picture_rect(pane);
  const QRectF seen = pane & picture;
  const double scale = picture_.width() / picture.width();
  const QRectF pixels((seen.topLeft() - picture.topLeft()) * scale, seen.size() * scale);
  return pixels.toAlignedRect() & QRect(QPoint(0, 0), picture_);
}

std::optional<QPoint> ViewLayout::pixel_at(const QPointF& at) const {
  if (picture_.isEmpty()) {
    return std::nullopt;
  }
  for (const QRectF& pane : panes()) {
    const QRectF picture = picture_rect(pane);
    if (pane.contains(at) && picture.contains(at)) {
      const double scale = picture_.width() / picture.width();
      return QPoint(static_cast<int>((at.x() - picture.x()) * scale),
                    static_cast<int>((at.y() - picture.y()) * scale));
    }
  }
  return std::nullopt;
}

ViewPosition ViewLayout::zoomed(double zoom, const QPointF& around) const {
  if (picture_.isEmpty()) {
    return position_;
  }
  const std::vector<QRectF> all = panes();
  const QRectF pane = all.size() > 1 && all[1].contains(around) ? all[1] : all[0];
  const QRectF before = picture_rect(pane);
  const QPointF part((around.x() - before.x()) / before.width(), (around.y() - before.y()) / before.height());
  const double chosen = std::clamp(zoom, std::min(min_zoom, fit_zoom()), max_zoom);
  const QSizeF size = size_at(chosen);
  const QPointF middle = pane.center();
  return {false,
          chosen,
          {part.x() + (middle.x() - around.x()) / size.width(),
           part.y() + (middle.y() - around.y()) / size.height()}};
}

ViewPosition ViewLayout::moved(const QPointF& by) const {
  if (picture_.isEmpty()) {
    return position_;
  }
  const QSizeF size = size_at(zoom());
  ViewPosition position = position_;
  position.centre -= QPointF(by.x() / size.width(), by.y() / size.height());
  return position;
}

ViewPosition ViewLayout::in_sight() const {
  if (picture_.isEmpty()) {
    return position_;
  }
  const QSizeF pane = panes().front().size();
  const QSizeF size = size_at(zoom());
  const auto keep = [](double centre, double shown, double whole) {
    const double half = shown / whole / 2;
    return half >= 0.5 ? 0.5 : std::clamp(centre, half, 1 - half);
  };
  ViewPosition position = position_;
  position.centre = {keep(position.centre.x(), pane.width(), size.width()),
                     keep(position.centre.y(), pane.height(), size.height())};
  return position;
}

}  // namespace tessera::desktop
