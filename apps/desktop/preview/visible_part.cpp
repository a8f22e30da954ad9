// SPDX-License-Identifier: Apache-2.0
#include "preview/visible_part.hpp"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "catalog/names.hpp"
#include "preview/pictures.hpp"
#include "preview/preview_render.hpp"

namespace tessera::desktop {
namespace {

/// Of a copy of the whole picture.
constexpr double max_copy_pixels = 2.0e6;
constexpr std::int64_t margin_px = 48;

}  // namespace

double fit_zoom(const QSize& viewport, const Extent& extent) {
  return std::min({1.0, viewport.width() / static_cast<double>(extent.width),
                   viewport.height() / static_cast<double>(extent.height)});
}

double copy_scale_for(const Extent& in, const Extent& out, double zoom) {
  const auto pixels = static_cast<double>(std::max(in.pixels(), out.pixels()));
  double scale = rounded_scale(zoom);
  while (pixels * scale * scale > max_copy_pixels && rounded_scale(scale / 2) < scale) {
    scale /= std::sqrt(2.0);
  }
  return rounded_scale(scale);
}

QSize size_of(const Extent& extent) {
  return {static_cast<int>(extent.width), static_cast<int>(extent.height)};
}

QRect to_qrect(const Rect& rect) {
  return {static_cast<int>(rect.x), static_cast<int>(rect.y), static_cast<int>(rect.width),
          static_cast<int>(rect.height)};
}

Rect under(const Rect& visible, const Extent& result, const Extent& original) {
  const double scale = std::min(static_cast<double>(result.width) / static_cast<double>(original.width),
                                static_cast<double>(result.height) / static_cast<double>(original.height));
  const double left = (static_cast<double>(result.width) - static_cast<double>(original.width) * scale) / 2;
  const double top = (static_cast<double>(result.height) - static_cast<double>(original.height) * scale) / 2;
  const auto interval = [scale](double begin, double length, double offset) {
    return Interval{static_cast<std::int64_t>(std::floor((begin - offset) / scale)),
                    static_cast<std::int64_t>(std::ceil((begin + length - offset) / scale))};
  };
  return Rect::from(interval(static_cast<double>(visible.x), static_cast<double>(visible.width), left),
                    interval(static_cast<double>(visible.y), static_cast<double>(visible.height), top))
      .intersect(Rect::whole(original));
}

void add_detail(Picture& picture, const HeldImage& image, const Rect& part) {
  if (image.whole() && !part.empty() && part.width * part.height <= max_detail_pixels) {
    picture.detail_rect = to_qrect(part);
    picture.detail = to_image(image.pixels.view(part), image.icc);
  }
}

QStringList sentences(const std::vector<Approximation>& approximations) {
  QStringList result;
  for (const Approximation& approximation : approximations) {
    const QString name = title_of(approximation.operator_name);
    result << (approximation.reason == Approximation::Reason::fine_detail
                   ? QCoreApplication::translate("PreviewEngine",
                                                 "%1 works on details finer than this zoom shows.")
                         .arg(name)
                   : QCoreApplication::translate("PreviewEngine",
                                                 "%1 measures the whole picture at its full size.")
                         .arg(name));
  }
  return result;
}

Rect part_to_make(const QRect& visible, const Extent& extent) {
  return Halo::all(margin_px)
      .grow({visible.x(), visible.y(), visible.width(), visible.height()})
      .intersect(Rect::whole(extent));
}

}  // namespace tessera::desktop
