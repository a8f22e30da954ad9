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

Tile BandFrame::with_halo(const Tile& band, const Halo& halo, Border border, double border_value) {
  agree_to_continue();
  const std::int64_t width = band.rect.width;
  const Extent image{width, band_.info.extent.height};
  const PixelFormat format{band.color.depth() == CV_8U ? Depth::u8 : Depth::u16, band.color.channels(),
                           !band.alpha.empty()};
  const auto fetched_rows = [&](const Interval& rows) -> Rect {
    const Interval grown{rows.begin - halo.top, rows.end + halo.bottom};
    return Rect::of_rows(border == Border::wrap ? grown : grown.intersect({0, image.height}), width);
  };
  std::vector<std::vector<Rect>> needs;
  for (const Interval& rows : band_.rows) {
    needs.push_back(rows.empty() ? std::vector<Rect>{} : wrapped_parts(fetched_rows(rows), image));
  }
  // The tile may be an intermediate of the operator's own: same rows, perhaps another format.
  const Band held{{image, format}, band_.rows, band};
  BandPixels pixels(held, needs, comm_);
  pixels.finish_exchange();
  if (band.rect.empty()) {
    return {};
  }
  Tile grown = Tile::allocate(halo.grow(band.rect), format);
  Tile inside = grown.view(fetched_rows(band.rect.rows()));
  pixels.fetch(inside);
  fill_border(grown.color, grown.rect, image, border, std::round(border_value * format.level_scale()));
  if (format.alpha) {
    fill_border(grown.alpha, grown.rect, image, border, format.max_value());
  }
  return grown;
}

}  // namespace tessera
