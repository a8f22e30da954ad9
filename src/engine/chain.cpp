// SPDX-License-Identifier: Apache-2.0
#include "engine/chain.hpp"

#include <cmath>

#include "engine/workers.hpp"
#include "ops/alpha/opaque.hpp"
#include "ops/border.hpp"
#include "ops/pieces.hpp"

namespace tessera {
namespace {

constexpr std::size_t alignment_bytes = 64;

/// The header that is `halo` bigger than `plane` on each side, in the same memory; the margins are there.
cv::Mat grow_header(const cv::Mat& plane, const Halo& halo) {
  const auto offset = halo.top * static_cast<std::int64_t>(plane.step) +
                      halo.left * static_cast<std::int64_t>(plane.elemSize());
  return {plane.rows + static_cast<int>(halo.top + halo.bottom),
          plane.cols + static_cast<int>(halo.left + halo.right), plane.type(),
          const_cast<uchar*>(plane.data) - offset, plane.step};
}

cv::Mat shrink_header(const cv::Mat& grown, const Halo& halo) {
  return standalone(grown, cv::Rect(static_cast<int>(halo.left), static_cast<int>(halo.top),
                                    grown.cols - static_cast<int>(halo.left + halo.right),
                                    grown.rows - static_cast<int>(halo.top + halo.bottom)));
}

/// What `rect` lacks on each side of `grown`.
Halo around(const Rect& grown, const Rect& rect) {
  return {rect.x - grown.x, rect.y - grown.y, grown.x + grown.width - rect.x - rect.width,
          grown.y + grown.height - rect.y - rect.height};
}

cv::Mat allocate_in(Bytes& buffer, const Rect& rect, const Halo& margin, int type) {
  const std::size_t pixel = CV_ELEM_SIZE(type);
  const auto columns = static_cast<std::size_t>(rect.width + margin.left + margin.right);
  const auto rows = static_cast<std::size_t>(rect.height + margin.top + margin.bottom);
  const std::size_t step = (columns * pixel + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  if (buffer.size() < rows * step + alignment_bytes) {
    buffer.clear();
    buffer.resize(rows * step + alignment_bytes);
  }
  auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
  address = (address + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  auto* origin = reinterpret_cast<uchar*>(address) + static_cast<std::size_t>(margin.top) * step +
                 static_cast<std::size_t>(margin.left) * pixel;
  return {static_cast<int>(rect.height), static_cast<int>(rect.width), type, origin, step};
}

void run_kernel(const LocalOp& op, const cv::Mat& in, cv::Mat& out, const Region& region,
                const std::string& name) {
  const uchar* expected = out.data;
  op.run(in, out, region);
  if (out.data != expected) {
    throw Error(ErrorCode::internal, "Operator " + name + " replaced the memory it was given.");
  }
}

}  // namespace

cv::Mat ChainRunner::Buffers::place(const Rect& rect, const Halo& margin, int type) {
  color_turn ^= 1;
  return allocate_in(color[color_turn], rect, margin, type);
}

cv::Mat ChainRunner::Buffers::place_alpha(const Rect& rect, int type) {
  alpha_turn ^= 1;
  return allocate_in(alpha[alpha_turn], rect, {}, type);
}

cv::Mat ChainRunner::Buffers::grow_alpha(const Tile& tile, const Rect& grown_rect, const ImageInfo& image,
                                         Border border) {
  if (grown_rect == tile.rect) {
    return tile.alpha;
  }
  // As a tile of one plane, so that copy_overlap() serves.
  Tile grown{grown_rect, allocate_in(transparency, grown_rect, {}, alpha_type(image.format)), {}};
  copy_overlap({tile.rect, tile.alpha, {}}, grown);
  fill_border(grown.color, grown_rect, image.extent, border, image.format.max_value());
  return grown.color;
}

Tile ChainRunner::run(const std::vector<ChainLink>& chain, const ImageInfo& in, const Interval& rows,
                      const StripReader& reader, std::vector<std::vector<double>>& findings,
                      std::int64_t max_reduced_bytes, const std::stop_token& stop) {
  return run_links(0, chain, {in, reader, max_reduced_bytes, stop}, rows, findings);
}

Tile ChainRunner::run_links(std::size_t level, std::span<const ChainLink> chain, const Strip& strip,
                            const Interval& rows, Found findings) {
  while (levels_.size() <= level) {
    levels_.emplace_back();
  }
  Buffers& buffers = levels_[level];
  const StripNeeds needs = strip_needs(chain, strip.in, rows);
  const auto halo_before = [&](std::size_t i) { return i < chain.size() ? chain[i].halo : Halo{}; };
  Tile current;
  std::size_t next = 0;
  if (const auto reduced = link_in_pieces(chain, needs, strip.max_reduced_bytes)) {
    next = *reduced + 1;
    current = run_in_pieces(level, chain.first(next), strip, needs, halo_before(next), findings);
  } else {
    current = {needs.input, buffers.place(needs.input, halo_before(0), color_type(strip.in.format)), {}};
    if (strip.in.format.alpha) {
      current.alpha = buffers.place_alpha(needs.input, alpha_type(strip.in.format));
    }
    strip.reader.fetch(current);
  }
  for (std::size_t i = next; i < chain.size(); ++i) {
    throw_if_stopped(strip.stop);
    current = run_link(buffers, chain[i], current, Rect::of_rows(needs.links[i], chain[i].out.extent.width),
                       halo_before(i + 1), &findings[i], strip.stop);
  }
  return current;
}

/// The last link of `chain`, from pieces that the others make.
Tile ChainRunner::run_in_pieces(std::size_t level, std::span<const ChainLink> chain, const Strip& strip,
                                const StripNeeds& needs, const Halo& next_halo, Found findings) {
  const std::span<const ChainLink> before = chain.first(chain.size() - 1);
  const ChainLink& link = chain.back();
  const Interval input = before.empty() ? needs.input.rows() : needs.links[before.size() - 1];
  const Rect out_rect = Rect::of_rows(needs.links[before.size()], link.out.extent.width);
  Region region{link.in, Rect::of_rows(input, link.in.extent.width), out_rect, false, nullptr, strip.stop};
  const auto& op = dynamic_cast<const TakesPieces&>(*link.op);
  const auto color = op.begin_pieces(region, color_type(link.in.format));
  region.alpha = true;
  const auto alpha = link.in.format.alpha ? op.begin_pieces(region, alpha_type(link.in.format)) : nullptr;

  std::vector<Interval> pieces;
  std::vector<std::int64_t> needed_from;  // the first row of the source, for this piece and all behind it
  const std::int64_t step = rows_of_piece(before, strip.in, strip.max_reduced_bytes);
  for (std::int64_t y = input.begin; y < input.end; y += step) {
    pieces.push_back({y, std::min(input.end, y + step)});
    needed_from.push_back(strip_needs(before, strip.in, pieces.back()).input.y);
  }
  for (std::size_t i = pieces.size(); i-- > 1;) {
    needed_from[i - 1] = std::min(needed_from[i - 1], needed_from[i]);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    throw_if_stopped(strip.stop);
    if (level == 0) {
      strip.reader.pass(needed_from[i]);
    }
    const Tile piece = run_links(level + 1, before, strip, pieces[i], findings.first(before.size()));
    color->add(piece.color, piece.alpha);
    if (alpha) {
      alpha->add(piece.alpha, {});
    }
  }
  Buffers& buffers = levels_[level];
  Tile result{out_rect, buffers.place(out_rect, next_halo, color_type(link.out.format)), {}};
  color->finish(result.color);
  if (alpha) {
    result.alpha = buffers.place_alpha(out_rect, alpha_type(link.out.format));
    alpha->finish(result.alpha);
  }
  return result;
}

Tile ChainRunner::run_link(Buffers& buffers, const ChainLink& link, Tile current, const Rect& out_rect,
                           const Halo& next_halo, std::vector<double>* findings,
                           const std::stop_token& stop) {
  const LocalOp& op = *link.op;
  Region region{link.in, current.rect, out_rect, false, findings, stop};
  if (op.kind() == LocalKind::geometry) {
    cv::Mat out = buffers.place(out_rect, next_halo, color_type(link.out.format));
    region.transparency = op.reads_alpha() ? transparency_of(current.alpha) : nullptr;
    run_kernel(op, current.color, out, region, link.name);
    Tile result{out_rect, out, {}};
    if (link.out.format.alpha) {
      result.alpha = buffers.place_alpha(out_rect, alpha_type(link.out.format));
      region.alpha = true;
      region.transparency = nullptr;
      region.findings = nullptr;
      run_kernel(op, current.alpha, result.alpha, region, link.name);
    }
    return result;
  }
  const Rect grown_rect = link.halo.grow(out_rect);
  cv::Mat grown = grow_header(current.color, around(grown_rect, current.rect));
  if (!link.halo.none()) {
    fill_border(grown, grown_rect, link.in.extent, op.border(),
                std::round(op.border_value() * link.in.format.level_scale()));
  }
  region.in = grown_rect;
  cv::Mat alpha;
  if (op.reads_alpha() && !is_opaque(current.alpha)) {
    alpha = buffers.grow_alpha(current, grown_rect, link.in, op.border());
    region.transparency = &alpha;
  }
  cv::Mat out = grown;
  const bool in_place =
      link.halo.none() && color_type(link.in.format) == color_type(link.out.format) && next_halo.none();
  if (!in_place) {
    const Halo spare = most(link.halo, next_halo);
    out = grow_header(buffers.place(out_rect, spare, color_type(link.out.format)), link.halo);
  }
  run_kernel(op, grown, out, region, link.name);
  Tile result{out_rect, shrink_header(out, link.halo), {}};
  if (link.out.format.alpha) {
    result.alpha = standalone(current.alpha,
                              cv::Rect(0, static_cast<int>(out_rect.y - current.rect.y),
                                       static_cast<int>(out_rect.width), static_cast<int>(out_rect.height)));
  }
  return result;
}

}  // namespace tessera
