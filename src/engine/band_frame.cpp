// SPDX-License-Identifier: Apache-2.0
#include "engine/band_frame.hpp"

#include <cmath>

#include "ops/border.hpp"

namespace tessera {

void BandFrame::parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  for_each_index(threads_, count, stop_, [&](int, std::int64_t index) { body(index); });
}

void BandFrame::agree_to_continue() {
  std::uint64_t stop = stop_.stop_requested() ? 1 : 0;
  comm_.all_reduce(std::span(&stop, 1), Merge::maximum);
  if (stop != 0) {
    throw CollectiveCancelled();
  }
}

namespace {

/// Of them those inside the image, unless the border wraps around.
Rect fetched_rows(const Interval& rows, const Halo& halo, Border border, const Extent& image) {
  const Interval grown{rows.begin - halo.top, rows.end + halo.bottom};
  return Rect::of_rows(border == Border::wrap ? grown : grown.intersect({0, image.height}), image.width);
}

}  // namespace

std::vector<std::vector<Rect>> halo_needs(const std::vector<Interval>& bands, const Halo& halo, Border border,
                                          const Extent& image) {
  std::vector<std::vector<Rect>> needs;
  for (const Interval& rows : bands) {
    needs.push_back(rows.empty() ? std::vector<Rect>{}
                                 : wrapped_parts(fetched_rows(rows, halo, border, image), image));
  }
  return needs;
}

Tile BandFrame::with_halo(const Tile& band, const Halo& halo, Border border, double border_value) {
  agree_to_continue();
  const Extent image{band.rect.width, band_.info.extent.height};
  const PixelFormat format{band.color.depth() == CV_8U ? Depth::u8 : Depth::u16, band.color.channels(),
                           !band.alpha.empty()};
  // The tile may be an intermediate of the operator's own: same rows, perhaps another format.
  const Band held{{image, format}, band_.rows, band};
  BandPixels pixels(held, halo_needs(band_.rows, halo, border, image), comm_);
  pixels.finish_exchange();
  if (band.rect.empty()) {
    return {};
  }
  Tile grown = Tile::allocate(halo.grow(band.rect), format);
  Tile inside = grown.view(fetched_rows(band.rect.rows(), halo, border, image));
  pixels.fetch(inside);
  fill_border(grown.color, grown.rect, image, border, std::round(border_value * format.level_scale()));
  if (format.alpha) {
    fill_border(grown.alpha, grown.rect, image, border, format.max_value());
  }
  return grown;
}

}  // namespace tessera
