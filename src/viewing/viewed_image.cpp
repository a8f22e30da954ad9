// SPDX-License-Identifier: Apache-2.0
#include "viewing/viewed_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "codec/levels.hpp"
#include "engine/region.hpp"
#include "ops/colour/grayscale.hpp"
#include "ops/geometry/crop.hpp"
#include "ops/geometry/flip.hpp"
#include "ops/geometry/resize.hpp"
#include "ops/geometry/rotate.hpp"
#include "ops/threshold/fixed_threshold.hpp"

namespace tessera {
namespace {

/// Rows of a level that are held beside the cache while a part is made of them.
constexpr std::int64_t max_piece_bytes = std::int64_t{16} << 20;

/// What a pipeline makes of a source, as a source.
class ProcessedSource final : public Source {
 public:
  ProcessedSource(std::unique_ptr<Source> source, Plan plan, int threads)
      : source_(std::move(source)), plan_(std::move(plan)), threads_(threads) {}
  [[nodiscard]] const ImageInfo& info() const override { return plan_.out; }
  [[nodiscard]] const Metadata& metadata() const override { return source_->metadata(); }
  [[nodiscard]] bool random_access() const override { return true; }
  void read_rows(Tile& out) override {
    copy_overlap(run_rows(plan_, out.rect.rows(), *source_, threads_, {}), out);
  }

 private:
  std::unique_ptr<Source> source_;
  Plan plan_;
  int threads_;
};

/// The operator that keeps a plan from being local; empty if none does.
std::string not_local(const Plan& plan) {
  for (const Stage& stage : plan.stages) {
    for (const ChainLink& link : stage.chain) {
      if (!link.op || (!link.halo.none() && link.op->border() == Border::wrap)) {
        return link.name;
      }
    }
    if (stage.statistic || stage.whole_frame) {
      return stage.end_name;
    }
  }
  return {};
}

Plan local_plan(const PipelineSteps& pipeline, const ImageInfo& info, const WorkLimits& limits) {
  Plan plan = make_plan(build_pipeline(pipeline), info, plan_limits(limits));
  if (!is_local(plan)) {
    throw Error(
        ErrorCode::bad_parameter,
        fmt::format("'{}' looks at the whole image for each pixel of its result, so a part of the result "
                    "cannot be made alone: process the image as a job, and view the job's result.",
                    not_local(plan)));
  }
  return plan;
}

/// A rectangle of a level, if the part's edges fall on that level's pixels.
std::optional<Rect> region_in_level(const Rect& region, const Extent& whole, const Extent& level,
                                    int factor) {
  const auto falls = [factor](std::int64_t edge, std::int64_t end) {
    return edge % factor == 0 || edge == end;
  };
  if (!falls(region.x, -1) || !falls(region.y, -1) || !falls(region.x + region.width, whole.width) ||
      !falls(region.y + region.height, whole.height)) {
    return std::nullopt;
  }
  const auto up = [factor](std::int64_t edge) { return (edge + factor - 1) / factor; };
  const std::int64_t right = std::min(up(region.x + region.width), level.width);
  const std::int64_t bottom = std::min(up(region.y + region.height), level.height);
  return Rect{region.x / factor, region.y / factor, right - region.x / factor, bottom - region.y / factor};
}

std::vector<Operator> crop_and_resize(const Rect& region, const Extent& whole, const Extent& size) {
  std::vector<Operator> operators;
  if (region != Rect::whole(whole)) {
    Crop crop;
    crop.x = static_cast<int>(region.x);
    crop.y = static_cast<int>(region.y);
    crop.width = static_cast<int>(region.width);
    crop.height = static_cast<int>(region.height);
    operators.push_back(make_operator(crop));
  }
  if (Extent{region.width, region.height} != size) {
    Resize resize;
    resize.width = static_cast<int>(size.width);
    resize.height = static_cast<int>(size.height);
    resize.fit = ResizeFit::fill;
    resize.method = size.width <= region.width && size.height <= region.height ? ResizeMethod::area
                                                                               : ResizeMethod::linear;
    operators.push_back(make_operator(resize));
  }
  return operators;
}

std::vector<Operator> finishing(const ViewPart& part) {
  std::vector<Operator> operators;
  if (part.mirrored) {
    operators.push_back(make_operator(Flip{}));
  }
  if (part.quarter_turns != 0) {
    Rotate rotate;
    constexpr int degrees_of_quarter = 90;
    rotate.angle = degrees_of_quarter * part.quarter_turns;
    operators.push_back(make_operator(rotate));
  }
  if (part.quality != ViewQuality::color) {
    operators.push_back(make_operator(Grayscale{}));
  }
  if (part.quality == ViewQuality::bitonal) {
    operators.push_back(make_operator(FixedThreshold{}));
  }
  return operators;
}

}  // namespace

std::optional<ViewQuality> view_quality_named(std::string_view name) {
  constexpr std::array<std::string_view, 3> names{"color", "gray", "bitonal"};
  const auto* const found = std::ranges::find(names, name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<ViewQuality>(found - names.begin()));
}

ViewedImage::ViewedImage(int descriptor, const std::string& name, const PipelineSteps& pipeline,
                         ViewLimits limits, const std::shared_ptr<RowCache>& cache, int threads)
    : limits_(limits), threads_(threads), processed_(!pipeline.empty()) {
  const ReadOptions reading{.limits = limits.image};
  auto source = open_image({InputDescriptor{descriptor}, name}, reading);
  stored_ = source->info();
  plan_ = local_plan(pipeline, stored_, limits.image);
  in_order_ = !source->random_access();
  colors_.icc = source->metadata().icc;
  colors_.encoding = source->metadata().encoding;
  if (in_order_ && stored_.bytes() > cache->max_bytes()) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("'{}' is {}x{} and can only be read from its top, so a viewer needs all of its {} in "
                    "memory, and {} are allowed: convert it to a tiled TIFF with 'tessera convert "
                    "--pyramid', and view that.",
                    name, stored_.extent.width, stored_.extent.height, bytes_text(stored_.bytes()),
                    bytes_text(cache->max_bytes())));
  }
  // A file that can be read in any order is not kept twice, as it is and processed.
  if (in_order_ || !processed_) {
    source = std::make_unique<CachedSource>(std::move(source), cache);
  }
  if (processed_) {
    source = std::make_unique<CachedSource>(
        std::make_unique<ProcessedSource>(std::move(source), plan_, threads), cache);
  }
  levels_.push_back(std::move(source));
  if (!processed_ && !in_order_) {
    for (auto& level : open_levels(descriptor, name, reading)) {
      levels_.push_back(std::make_unique<CachedSource>(std::move(level), cache));
    }
  }
}

std::vector<Extent> ViewedImage::level_extents() const {
  std::vector<Extent> extents;
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    extents.push_back(levels_[level]->info().extent);
  }
  return extents;
}

std::size_t ViewedImage::level_for(const ViewPart& part) const {
  for (std::size_t level = levels_.size(); level-- > 1;) {
    const auto region =
        region_in_level(part.region, info().extent, levels_[level]->info().extent, 1 << level);
    if (region && region->width >= part.size.width && region->height >= part.size.height) {
      return level;
    }
  }
  return 0;
}

void ViewedImage::check(const ViewPart& part) const {
  const Extent& extent = info().extent;
  if (part.region.empty() || !Rect::whole(extent).contains(part.region)) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("The region {}x{} at ({}, {}) does not lie inside the picture, which is {}x{}.",
                            part.region.width, part.region.height, part.region.x, part.region.y, extent.width,
                            extent.height));
  }
  if (part.size.width < 1 || part.size.height < 1) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("The part would be {}x{} pixels: ask for at least one in each direction.",
                            part.size.width, part.size.height));
  }
  if (part.size.width > limits_.max_part_pixels / part.size.height) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("The part would have {}x{} pixels, and {} are allowed at a time: ask for a smaller "
                    "size or region.",
                    part.size.width, part.size.height, limits_.max_part_pixels));
  }
}

void ViewedImage::check_cost(const Interval& rows, std::size_t level) const {
  const Interval needed = level > 0 || !processed_ ? rows : source_rows(plan_, rows);
  const std::int64_t width = level > 0 ? levels_[level]->info().extent.width : stored_.extent.width;
  const std::int64_t read = (in_order_ ? stored_.extent.height : needed.size()) * width;
  if (read > limits_.max_read_pixels) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("This part needs {} pixels of the file, and {} may be read for one request: ask for a "
                    "smaller region, or convert the image with 'tessera convert --pyramid', whose smaller "
                    "levels cost less.",
                    read, limits_.max_read_pixels));
  }
}

Tile ViewedImage::pixels(const ViewPart& part, const std::stop_token& stop) const {
  check(part);
  const std::size_t level = level_for(part);
  Source& source = *levels_[level];
  const Extent& extent = source.info().extent;
  const Rect region =
      level == 0 ? part.region : region_in_level(part.region, info().extent, extent, 1 << level).value();
  const Plan plan = make_plan(crop_and_resize(region, extent, part.size), source.info(), plan_limits({}));
  check_cost(source_rows(plan, {0, part.size.height}), level);
  Tile result = Tile::allocate(Rect::whole(part.size), source.info().format);
  const std::int64_t bytes_for_row =
      source_rows(plan, {part.size.height / 2, part.size.height / 2 + 1}).size() * source.info().row_bytes();
  const std::int64_t piece_rows = std::max<std::int64_t>(1, max_piece_bytes / bytes_for_row);
  for (std::int64_t y = 0; y < part.size.height; y += piece_rows) {
    const Interval rows{y, std::min(y + piece_rows, part.size.height)};
    copy_overlap(run_rows(plan, rows, source, threads_, stop), result);
  }
  return result;
}

Bytes ViewedImage::encode(const ViewPart& part, const OutputOptions& output,
                          const std::stop_token& stop) const {
  const Tile shown = pixels(part, stop);
  ProcessOptions options;
  options.output = output;
  options.limits.max_output_bytes = limits_.image.max_output_bytes;
  Bytes encoded;
  const auto alone = make_solo();
  ProcessContext context{*alone, threads_};
  context.stop = stop;
  process_image({InputPixels{shown, colors_}, "the part"}, {OutputBytes{&encoded}, "the part"},
                finishing(part), options, context);
  return encoded;
}

}  // namespace tessera
