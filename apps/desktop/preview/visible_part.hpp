// SPDX-License-Identifier: Apache-2.0
// How much of a picture a view needs: the scale of the copy, the part in full, what lies under it in the
// original.
#pragma once

#include <QRect>
#include <QStringList>
#include <vector>

#include "preview/image_store.hpp"
#include "preview/scaled_pipeline.hpp"
#include "view/compare_view.hpp"

namespace tessera::desktop {

/// Of what is processed at its real size for one view.
constexpr std::int64_t max_detail_pixels = 12'000'000;

[[nodiscard]] QSize size_of(const Extent& extent);
[[nodiscard]] QRect to_qrect(const Rect& rect);
/// Screen pixels for each pixel of the picture when it fits the viewport; at most 1.
[[nodiscard]] double fit_zoom(const QSize& viewport, const Extent& extent);
/// As fine as the zoom shows, as long as that is not too much to process at every move of a slider.
[[nodiscard]] double copy_scale_for(const Extent& in, const Extent& out, double zoom);
/// What is visible, with a margin so that a small move of the view shows no gap.
[[nodiscard]] Rect part_to_make(const QRect& visible, const Extent& extent);
/// What of the original lies under `visible` of the result, as CompareView lays one over the other.
[[nodiscard]] Rect under(const Rect& visible, const Extent& result, const Extent& original);
/// A part in full for the screen; nothing if it is not held or too much.
void add_detail(Picture& picture, const HeldImage& image, const Rect& part);
/// One for each, for people.
[[nodiscard]] QStringList sentences(const std::vector<Approximation>& approximations);

}  // namespace tessera::desktop
