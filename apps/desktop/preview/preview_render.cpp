// SPDX-License-Identifier: Apache-2.0
#include "preview/preview_render.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/machine.hpp"
#include "engine/memory_io.hpp"

namespace tessera::desktop {
namespace {

/// Of a pipeline that has not run yet: few operators are slower.
constexpr double unknown_ms_per_pixel = 2e-4;
constexpr double min_scale = 1.0 / 64;

std::string cost_key(const PipelineSteps& pipeline) {
  std::string key;
  for (const PipelineStep& step : pipeline) {
    key += step.name + '|';
  }
  return key;
}

}  // namespace

void CopyCache::look_at(const std::shared_ptr<const HeldImage>& image) {
  if (image != image_) {
    image_ = image;
    copies_.clear();
    images_.clear();
  }
}

const Tile& CopyCache::at(const std::shared_ptr<const HeldImage>& image, double scale) {
  look_at(image);
  const auto [found, added] = copies_.try_emplace(scale);
  if (added) {
    const Extent wanted = scaled_extent(image->info.extent, scale);
    const Extent held{image->pixels.rect.width, image->pixels.rect.height};
    found->second = shrink(image->pixels, wanted.width < held.width ? wanted : held);
  }
  return found->second;
}

const QImage& CopyCache::image_at(const std::shared_ptr<const HeldImage>& image, double scale) {
  const Tile& copy = at(image, scale);
  const auto [found, added] = images_.try_emplace(scale);
  if (added) {
    found->second = to_image(copy, image->icc);
  }
  return found->second;
}

double CostModel::affordable_scale(const PipelineSteps& pipeline, const Extent& extent, double wanted,
                                   double milliseconds) const {
  const auto found = ms_per_pixel_.find(cost_key(pipeline));
  const double per_pixel = found == ms_per_pixel_.end() ? unknown_ms_per_pixel : found->second;
  const double whole = per_pixel * static_cast<double>(extent.pixels());
  const double affordable = whole > 0 ? std::sqrt(milliseconds / whole) : 1;
  double scale = wanted;
  while (scale > affordable && scale > min_scale) {
    scale /= std::sqrt(2.0);
  }
  return rounded_scale(scale);
}

void CostModel::learn(const PipelineSteps& pipeline, double pixels, double milliseconds) {
  const double measured = milliseconds / std::max(1.0, pixels);
  const auto [found, added] = ms_per_pixel_.try_emplace(cost_key(pipeline), measured);
  if (!added) {
    // Slower is believed at once, faster by and by: a preview that comes late is worse than a coarse one.
    found->second = std::max(measured, 0.7 * found->second + 0.3 * measured);
  }
}

double rounded_scale(double scale) {
  const double steps = std::floor(-2 * std::log2(std::clamp(scale, min_scale, 1.0)) + 1e-6);
  return std::pow(2.0, -steps / 2);
}

RunResult run_in_memory(const Plan& plan, const Tile& pixels, const std::stop_token& stop,
                        const std::function<void(double)>& progress) {
  const auto begin = std::chrono::steady_clock::now();
  TileSource source(pixels);
  TileSink sink(plan.out);
  RunOptions options;
  options.threads = usable_cores();
  options.stop = stop;
  if (progress) {
    options.progress = [&progress](const Progress& done) { progress(done.fraction); };
  }
  const auto solo = make_solo();
  RunReport report = run_plan(plan, &source, sink, *solo, options);
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  return {sink.image(), std::move(report.findings), taken.count()};
}

ImageLoader scaled_loader(std::shared_ptr<ImageStore> store, double scale) {
  return [store = std::move(store), scale](const std::string& name) {
    const auto image = store->load(name);
    if (!image->whole()) {
      throw Error(ErrorCode::limit_exceeded, "The image '" + name + "' is too big to be laid over another.");
    }
    return shrink(image->pixels, scaled_extent(image->info.extent, scale));
  };
}

}  // namespace tessera::desktop
