#include "engine/chain.hpp"

#include <cmath>

#include "engine/workers.hpp"
#include "ops/border.hpp"

namespace tessera {
namespace {

constexpr std::size_t alignment_bytes = 64;

Halo most(const Halo& a, const Halo& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::max(a.right, b.right),
          std::max(a.bottom, b.bottom)};
}

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

cv::Mat ChainRunner::place(const Rect& rect, const Halo& margin, int type) {
  color_turn_ ^= 1;
  return allocate_in(color_[color_turn_], rect, margin, type);
}

cv::Mat ChainRunner::place_alpha(const Rect& rect, int type) {
  alpha_turn_ ^= 1;
  return allocate_in(alpha_[alpha_turn_], rect, {}, type);
}

Tile ChainRunner::run(const std::vector<ChainLink>& chain, const ImageInfo& in, const Interval& rows,
                      const FetchPixels& fetch, std::vector<std::vector<double>>& findings,
                      const std::stop_token& stop) {
  const StripNeeds needs = strip_needs(chain, in, rows);
  Tile current{needs.input,
               place(needs.input, chain.empty() ? Halo{} : chain.front().halo, in.format.color_type()),
               {}};
  if (in.format.alpha) {
    current.alpha = place_alpha(needs.input, in.format.alpha_type());
  }
  fetch(current);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    throw_if_stopped(stop);
    const ChainLink& link = chain[i];
    const LocalOp& op = *link.op;
    const Halo next_halo = i + 1 < chain.size() ? chain[i + 1].halo : Halo{};
    const Rect out_rect = Rect::of_rows(needs.links[i], link.out.extent.width);
    Region region{link.in, current.rect, out_rect, false, &findings[i], stop};
    if (op.kind() == LocalKind::geometry) {
      cv::Mat out = place(out_rect, next_halo, link.out.format.color_type());
      run_kernel(op, current.color, out, region, link.name);
      Tile result{out_rect, out, {}};
      if (link.out.format.alpha) {
        result.alpha = place_alpha(out_rect, link.out.format.alpha_type());
        region.alpha = true;
        region.findings = nullptr;
        run_kernel(op, current.alpha, result.alpha, region, link.name);
      }
      current = result;
      continue;
    }
    const Rect grown_rect = link.halo.grow(out_rect);
    cv::Mat grown = grow_header(current.color, around(grown_rect, current.rect));
    if (!link.halo.none()) {
      fill_border(grown, grown_rect, link.in.extent, op.border(),
                  std::round(op.border_value() * link.in.format.level_scale()));
    }
    region.in = grown_rect;
    cv::Mat out = grown;
    const bool in_place =
        link.halo.none() && link.in.format.color_type() == link.out.format.color_type() && next_halo.none();
    if (!in_place) {
      const Halo spare = most(link.halo, next_halo);
      out = grow_header(place(out_rect, spare, link.out.format.color_type()), link.halo);
    }
    run_kernel(op, grown, out, region, link.name);
    Tile result{out_rect, shrink_header(out, link.halo), {}};
    if (link.out.format.alpha) {
      const Rect kept = out_rect;
      result.alpha =
          standalone(current.alpha, cv::Rect(0, static_cast<int>(kept.y - current.rect.y),
                                             static_cast<int>(kept.width), static_cast<int>(kept.height)));
    }
    current = result;
  }
  return current;
}

}  // namespace tessera
