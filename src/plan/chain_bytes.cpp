// SPDX-License-Identifier: Apache-2.0
#include "plan/chain_bytes.hpp"

#include <algorithm>
#include <array>

namespace tessera {
namespace {

/// Whether the link writes its result over its input.
bool runs_in_place(const ChainLink& link, const Halo& next_halo) {
  const bool geometry = link.op && link.op->kind() == LocalKind::geometry;
  return !geometry && link.halo.none() && next_halo.none() && link.in.format == link.out.format;
}

}  // namespace

std::int64_t plane_bytes(const Rect& rect, const Halo& margin, std::int64_t pixel_bytes) {
  return (rect.width + margin.left + margin.right) * (rect.height + margin.top + margin.bottom) * pixel_bytes;
}

ChainBytes chain_bytes(std::span<const ChainLink> chain, const ImageInfo& in, const Interval& rows,
                       const KernelBytes& kernels) {
  const StripNeeds needs = strip_needs(chain, in, rows);
  const auto halo_before = [&](std::size_t i) { return i < chain.size() ? chain[i].halo : Halo{}; };
  std::array<std::int64_t, 2> buffers{};
  int turn = 0;
  const auto place = [&](const Rect& rect, const Halo& margin, const ImageInfo& image) {
    turn ^= 1;
    std::int64_t& buffer = buffers[static_cast<std::size_t>(turn)];
    buffer = std::max(buffer, plane_bytes(rect, margin, image.format.bytes_per_pixel()));
  };
  ChainBytes within;
  std::size_t next = 0;
  if (const auto reduced = link_in_pieces(chain, needs, default_max_reduced_bytes)) {
    const ChainLink& link = chain[*reduced];
    const Interval input = *reduced == 0 ? needs.input.rows() : needs.links[*reduced - 1];
    const std::span<const ChainLink> before = chain.first(*reduced);
    const std::int64_t piece = std::min(input.size(), rows_of_piece(before, in, default_max_reduced_bytes));
    const std::int64_t begin = input.begin + (input.size() - piece) / 2;
    within = chain_bytes(before, in, {begin, begin + piece}, kernels);
    within.kernels += kernels.in_pieces(link, needs.links[*reduced].size());
    next = *reduced + 1;
    place(Rect::of_rows(needs.links[*reduced], link.out.extent.width), halo_before(next), link.out);
  } else {
    place(needs.input, halo_before(0), in);
  }
  std::int64_t kernel = 0;
  for (std::size_t i = next; i < chain.size(); ++i) {
    const ChainLink& link = chain[i];
    const Rect out = Rect::of_rows(needs.links[i], link.out.extent.width);
    kernel = std::max(kernel, kernels.run(link, out));
    if (!runs_in_place(link, halo_before(i + 1))) {
      place(out, most(link.halo, halo_before(i + 1)), link.out);
    }
  }
  return {within.buffers + buffers[0] + buffers[1], within.kernels + kernel};
}

}  // namespace tessera
