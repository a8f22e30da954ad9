// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ops/alpha/fill.hpp"
#include "ops/pieces.hpp"

namespace tessera {
namespace {

/// Ghost rows add up along a chain and are worked on twice; beyond this a pass over memory is cheaper.
constexpr std::int64_t max_fused_halo_rows = 128;

/// What reports and `explain` call the operators that give transparent pixels a colour.
constexpr const char* fill_name = "fill-transparent";

Halo chain_halo(std::span<const ChainLink> chain) {
  Halo total;
  for (const ChainLink& link : chain) {
    total = total + link.halo;
  }
  return total;
}

void check_not_empty(const std::string& name, const ImageInfo& info) {
  if (info.extent.width < 1 || info.extent.height < 1) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("{}: the result would be {}x{} pixels; it needs at least 1x1.", name,
                            info.extent.width, info.extent.height));
  }
}

/// `name` made a picture of that extent.
void check_limits(const std::string& name, const Extent& extent, const PlanLimits& limits) {
  if (extent.width > limits.max_side_px || extent.height > limits.max_side_px) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("{}: the result would be {}x{} pixels, more than the limit of {} a side "
                            "(max-output-side). Choose a smaller size or raise the limit.",
                            name, extent.width, extent.height, limits.max_side_px));
  }
  if (extent.width > limits.max_pixels / extent.height) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("{}: the result would be {}x{} pixels, more than the limit of {} in all "
                            "(max-output-pixels). Choose a smaller size or raise the limit.",
                            name, extent.width, extent.height, limits.max_pixels));
  }
}

class Planner {
 public:
  Planner(const ImageInfo& in, const PlanLimits& limits) : limits_(limits), current_(in) {
    plan_.in = in;
    plan_.stages.push_back({.in = in, .out = in});
  }

  void add(const Operator& op) {
    if (const auto* parts = std::get_if<Operator::Parts>(&op.body)) {
      for (const Operator& part : *parts) {
        add(part);
      }
      return;
    }
    if (op.info->gray_only && current_.format.channels == 3) {
      add(build_operator("grayscale", Json::object()));
    }
    const std::string name(op.info->name);
    last_name_ = name;
    if (const auto* local = std::get_if<std::shared_ptr<const LocalOp>>(&op.body)) {
      add_local(name, *local);
    } else if (const auto* statistic = std::get_if<std::shared_ptr<const StatisticOp>>(&op.body)) {
      add_statistic(name, *statistic);
    } else {
      add_whole_frame(name, std::get<std::shared_ptr<const WholeFrameOp>>(op.body));
    }
  }

  Plan finish() {
    plan_.out = current_;
    check_limits(last_name_.empty() ? "The pipeline" : last_name_, current_.extent, limits_);
    return std::move(plan_);
  }

 private:
  /// Pictures between may be as big as the input, whose size has been allowed.
  [[nodiscard]] PlanLimits limits_between() const {
    return {std::max(limits_.max_pixels, plan_.in.extent.width * plan_.in.extent.height),
            std::max({limits_.max_side_px, plan_.in.extent.width, plan_.in.extent.height})};
  }
  Stage& stage() { return plan_.stages.back(); }
  void cut() {
    plan_.stages.push_back({.in = current_, .out = current_});
    lists_findings_ = false;
  }
  void append(ChainLink link) {
    current_ = link.out;
    stage().out = current_;
    stage().chain.push_back(std::move(link));
  }

  /// What an operator that looks `reach` around each pixel must not see.
  void fill_transparent(const Halo& reach, Border border) {
    if (current_.format.alpha && !reach.none()) {
      append_local(fill_name,
                   std::make_shared<erased::LocalModel<FillTransparent>>(FillTransparent(reach, border)));
    }
  }

  void add_local(const std::string& name, const std::shared_ptr<const LocalOp>& op) {
    if (op->kind() == LocalKind::neighbourhood && !op->reads_alpha()) {
      fill_transparent(op->halo(current_), op->border());
    }
    append_local(name, op);
  }

  void append_local(const std::string& name, const std::shared_ptr<const LocalOp>& op) {
    ChainLink link{name, op, current_, op->result(current_), op->halo(current_)};
    check_not_empty(name, link.out);
    check_limits(name, link.out.extent, limits_between());
    const Halo before = chain_halo(stage().chain);
    const std::int64_t fused_rows = before.top + before.bottom + link.halo.top + link.halo.bottom;
    const bool too_deep = !before.none() && !link.halo.none() && fused_rows > max_fused_halo_rows;
    // Other rows than the strip's own would be listed twice or, cropped away later, not at all.
    const bool moves_rows = lists_findings_ && op->kind() != LocalKind::pointwise;
    const bool must_cut = wraps_rows(link) || moves_rows || op->crosses_rows();
    if (!stage().chain.empty() && (must_cut || too_deep)) {
      stage().fuse_with_next = !must_cut;
      cut();
    }
    if (auto bound = op->bound(link.in)) {
      link.op = std::move(bound);
    }
    append(std::move(link));
    lists_findings_ = lists_findings_ || !op->finding_columns().empty();
  }

  void add_statistic(const std::string& name, const std::shared_ptr<const StatisticOp>& op) {
    fill_transparent(most(op->halo(current_), op->applied_halo(current_)), op->border());
    if (!stage().chain.empty() && !op->halo(current_).none()) {
      stage().fuse_with_next = op->border() != Border::wrap && !lists_findings_;
      cut();
    }
    stage().statistic = op;
    stage().end_name = name;
    ChainLink bound{name,
                    nullptr,
                    current_,
                    {current_.extent, op->result_format(current_.format)},
                    op->applied_halo(current_)};
    cut();
    append(std::move(bound));
    lists_findings_ = !op->finding_columns().empty();
  }

  void add_whole_frame(const std::string& name, const std::shared_ptr<const WholeFrameOp>& op) {
    if (current_.format.alpha && op->alpha_rule() == AlphaRule::background) {
      append_local(fill_name, std::make_shared<erased::LocalModel<ClearTransparent>>(ClearTransparent()));
    } else if (current_.format.alpha && op->alpha_rule() == AlphaRule::mean) {
      add_statistic(fill_name, std::make_shared<erased::StatisticModel<FillWithMean>>(FillWithMean()));
    } else {
      fill_transparent(op->alpha_halo(), Border::replicate);
    }
    stage().whole_frame = op;
    stage().end_name = name;
    current_.format = op->result_format(current_.format);
    stage().out = current_;
    cut();
  }

  PlanLimits limits_;
  Plan plan_;
  ImageInfo current_;
  std::string last_name_;
  bool lists_findings_ = false;  ///< some operator of the current stage's chain does
};

Interval middle_strip(const Stage& stage, std::int64_t rows) {
  const std::int64_t height = stage.out.extent.height;
  const std::int64_t begin = std::max<std::int64_t>(0, height / 2 - rows / 2);
  return {begin, std::min(height, begin + rows)};
}

/// Whether a strip of so many rows is reduced from a picture that operators before have made bigger.
bool makes_much_of_little(const Stage& stage, std::int64_t rows) {
  const auto link = link_in_pieces(stage.chain, strip_needs(stage.chain, stage.in, middle_strip(stage, rows)),
                                   default_max_reduced_bytes);
  return link && *link > 0 && stage.chain[*link].in.bytes() > stage.in.bytes();
}

}  // namespace

Halo most(const Halo& a, const Halo& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::max(a.right, b.right),
          std::max(a.bottom, b.bottom)};
}

bool wraps_rows(const ChainLink& link) {
  return link.op && link.op->kind() == LocalKind::neighbourhood && link.op->border() == Border::wrap &&
         (link.halo.top > 0 || link.halo.bottom > 0);
}

Plan make_plan(const std::vector<Operator>& operators, const ImageInfo& in, const PlanLimits& limits) {
  Planner planner(in, limits);
  for (const Operator& op : operators) {
    planner.add(op);
  }
  return planner.finish();
}

StripNeeds strip_needs(std::span<const ChainLink> chain, const ImageInfo& in, const Interval& rows) {
  StripNeeds needs;
  needs.links.resize(chain.size());
  Interval wanted = rows;
  for (std::size_t i = chain.size(); i-- > 0;) {
    const ChainLink& link = chain[i];
    needs.links[i] = wanted;
    const Rect out = Rect::of_rows(wanted, link.out.extent.width);
    const bool geometry = link.op && link.op->kind() == LocalKind::geometry;
    const Rect input = geometry ? link.op->needs(out, link.in) : link.halo.grow(out);
    const Interval inside{0, link.in.extent.height};
    if (i == 0 && geometry && link.op->crosses_rows()) {
      needs.input = input.intersect(Rect::whole(link.in.extent));
      return needs;
    }
    const bool wraps = i == 0 && link.op && link.op->border() == Border::wrap && !geometry;
    wanted = wraps ? input.rows() : input.rows().intersect(inside);
  }
  needs.input = Rect::of_rows(wanted, in.extent.width);
  return needs;
}

std::vector<Interval> split_rows(std::int64_t height, int parts, std::int64_t align) {
  const std::int64_t blocks = (height + align - 1) / align;
  std::vector<Interval> bands;
  bands.reserve(static_cast<std::size_t>(parts));
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t begin = blocks * part / parts * align;
    const std::int64_t end = blocks * (part + 1) / parts * align;
    bands.push_back({std::min(begin, height), std::min(end, height)});
  }
  return bands;
}

std::vector<Rect> wrapped_parts(const Rect& rect, const Extent& image) {
  if (rect.height >= image.height) {
    return {{rect.x, 0, rect.width, image.height}};
  }
  std::vector<Rect> parts;
  for (std::int64_t y = rect.y; y < rect.y + rect.height;) {
    const std::int64_t inside = ((y % image.height) + image.height) % image.height;
    const std::int64_t count = std::min(rect.y + rect.height - y, image.height - inside);
    parts.push_back({rect.x, inside, rect.width, count});
    y += count;
  }
  return parts;
}

std::vector<Move> plan_exchange(const std::vector<Interval>& bands, std::int64_t width,
                                const std::vector<std::vector<Rect>>& needs) {
  std::vector<Move> moves;
  for (std::size_t to = 0; to < needs.size(); ++to) {
    for (const Rect& need : needs[to]) {
      for (std::size_t from = 0; from < bands.size(); ++from) {
        const Rect part = need.intersect(Rect::of_rows(bands[from], width));
        if (from != to && !part.empty()) {
          moves.push_back({static_cast<int>(from), static_cast<int>(to), part});
        }
      }
    }
  }
  return moves;
}

std::int64_t strip_input_bytes(const Stage& stage, std::int64_t rows) {
  const Rect input = strip_needs(stage.chain, stage.in, middle_strip(stage, rows)).input;
  return input.width * input.height * stage.in.format.bytes_per_pixel();
}

std::optional<std::size_t> link_in_pieces(std::span<const ChainLink> chain, const StripNeeds& needs,
                                          std::int64_t max_bytes) {
  for (std::size_t i = chain.size(); i-- > 0;) {
    const ChainLink& link = chain[i];
    const std::int64_t rows = i == 0 ? needs.input.height : needs.links[i - 1].size();
    if (dynamic_cast<const TakesPieces*>(link.op.get()) != nullptr &&
        rows * link.in.row_bytes() > max_bytes && rows > needs.links[i].size()) {
      return i;
    }
  }
  return std::nullopt;
}

std::int64_t rows_of_piece(std::span<const ChainLink> before, const ImageInfo& in, std::int64_t max_bytes) {
  constexpr std::int64_t pieces = 8;  // of what would be held
  constexpr std::int64_t fewest = 8;
  constexpr std::int64_t most = 1024;
  std::int64_t row_bytes = in.row_bytes();
  for (const ChainLink& link : before) {
    row_bytes = std::max(row_bytes, link.out.row_bytes());
  }
  const Halo halo = chain_halo(before);
  return std::max(std::clamp(max_bytes / pieces / std::max<std::int64_t>(1, row_bytes), fewest, most),
                  2 * (halo.top + halo.bottom));
}

std::optional<std::vector<Interval>> streamed_rows(const Stage& stage, const Interval& band,
                                                   std::int64_t strip_rows) {
  std::vector<Interval> result;
  const std::int64_t height = stage.in.extent.height;
  for (std::int64_t begin = band.begin; begin < band.end; begin += strip_rows) {
    const Interval strip{begin, std::min(band.end, begin + strip_rows)};
    const Rect input = strip_needs(stage.chain, stage.in, strip).input;
    const Interval rows = input.rows();
    const bool in_order =
        result.empty() || (rows.begin >= result.back().begin && rows.end >= result.back().end);
    const bool full_width = input.x == 0 && input.width == stage.in.extent.width;
    const bool bounded = rows.size() <= std::max<std::int64_t>(height / 2, 4096);
    if (!in_order || !full_width || !bounded || rows.begin < 0 || rows.end > height) {
      return std::nullopt;
    }
    result.push_back(rows);
  }
  return result;
}

std::int64_t suggest_strip_rows(const Stage& stage) {
  constexpr std::int64_t fewest = 64;
  constexpr std::int64_t cache_bytes = 1 << 20;
  // A strong reduction reads many rows for each that it makes.
  constexpr std::int64_t max_input_bytes = std::int64_t{8} << 20;
  constexpr std::int64_t max_small_input_bytes = std::int64_t{64} << 20;
  // Decoders that make several rows at once make 8 or 16.
  constexpr std::int64_t step = 16;
  const Halo halo = chain_halo(stage.chain);
  const std::int64_t for_halo = 2 * (halo.top + halo.bottom);
  const std::int64_t for_cache =
      cache_bytes / std::max({std::int64_t{1}, stage.in.row_bytes(), stage.out.row_bytes()});
  std::int64_t rows = std::max({fewest, for_halo, std::min<std::int64_t>(for_cache, 512)});
  std::int64_t most = max_input_bytes;
  if (makes_much_of_little(stage, step)) {
    // Rows between that two strips need are made twice, at a high cost: strips are not cut down to one row as
    // long as the input is small, but kept short enough for all threads to have some.
    rows = std::max(step, for_halo);
    most = std::clamp(stage.in.bytes(), max_input_bytes, max_small_input_bytes);
  }
  while (rows > 1 && rows > for_halo && strip_input_bytes(stage, rows) > most) {
    rows = std::max(for_halo, rows / 2);
  }
  return rows < step ? std::max<std::int64_t>(1, rows) : (rows + step - 1) / step * step;
}

std::int64_t max_read_ahead_bytes(const Stage& stage, std::int64_t rows, int threads,
                                  std::int64_t max_held_bytes) {
  return std::max(max_held_bytes / 4, strip_input_bytes(stage, rows * threads));
}

std::int64_t aligned_strip_rows(const Stage& stage, std::int64_t align, std::int64_t asked) {
  // Without ghost rows short strips cost nothing, and every source can give them in order.
  constexpr std::int64_t most_without_chain = 256;
  std::int64_t rows = asked > 0 ? asked : suggest_strip_rows(stage);
  if (stage.chain.empty()) {
    rows = std::min(rows, most_without_chain);
  }
  return (rows + align - 1) / align * align;
}

bool pieces_read_too_much(const Stage& stage, std::int64_t piece_rows, std::int64_t max_bytes) {
  const std::int64_t rows = std::min(piece_rows, stage.out.extent.height);
  const std::int64_t for_piece = strip_input_bytes(stage, rows);
  return for_piece > max_bytes &&
         strip_input_bytes(stage, std::min(rows, suggest_strip_rows(stage))) < for_piece / 2;
}

bool can_be_made_twice(const Stage& stage) {
  const StatisticOp& statistic = *stage.statistic;
  const bool reaches = !statistic.halo(stage.out).none() || !statistic.applied_halo(stage.out).none();
  const bool lists = std::any_of(stage.chain.begin(), stage.chain.end(), [](const ChainLink& link) {
    return link.op && !link.op->finding_columns().empty();
  });
  return !(reaches && (lists || statistic.border() == Border::wrap));
}

std::int64_t strips_ahead(int threads, std::int64_t strip_bytes) {
  constexpr std::int64_t max_bytes = std::int64_t{64} << 20;
  constexpr std::int64_t per_thread = 4;
  return std::clamp<std::int64_t>(max_bytes / std::max<std::int64_t>(1, strip_bytes), threads,
                                  per_thread * threads);
}

}  // namespace tessera
