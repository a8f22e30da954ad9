// SPDX-License-Identifier: Apache-2.0
#include "preview/region_run.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/workers.hpp"
#include "ops/alpha/opaque.hpp"
#include "ops/border.hpp"

namespace tessera::desktop {
namespace {

struct Step {
  const ChainLink* link = nullptr;
  Halo halo;
  Rect in;  ///< inside the image
  Rect out;
};

/// Strips are full width, so operators are symmetric in rows only; here columns are cut as well, and a ghost
/// column mirrors one that lies as far inside.
Halo symmetric(Halo halo) {
  halo.left = halo.right = std::max(halo.left, halo.right);
  return halo;
}

/// From the result back to the input.
std::vector<Step> steps_for(const Plan& plan, const Rect& out) {
  std::vector<Step> steps;
  Rect wanted = out.intersect(Rect::whole(plan.out.extent));
  for (std::size_t stage = plan.stages.size(); stage-- > 0;) {
    const std::vector<ChainLink>& chain = plan.stages[stage].chain;
    for (std::size_t i = chain.size(); i-- > 0;) {
      const ChainLink& link = chain[i];
      Step step{&link, symmetric(link.halo), {}, wanted};
      const Rect reached =
          link.op->kind() == LocalKind::geometry ? link.op->needs(wanted, link.in) : step.halo.grow(wanted);
      step.in = reached.intersect(Rect::whole(link.in.extent));
      wanted = step.in;
      steps.push_back(step);
    }
  }
  std::ranges::reverse(steps);
  return steps;
}

void run_geometry(const LocalOp& op, const Step& step, const Tile& in, Tile& out) {
  std::vector<double> findings;
  Region region{step.link->in, in.rect, step.out, false, &findings};
  region.transparency = op.reads_alpha() ? transparency_of(in.alpha) : nullptr;
  op.run(in.color, out.color, region);
  if (!out.alpha.empty()) {
    region.alpha = true;
    region.transparency = nullptr;
    region.findings = nullptr;
    op.run(in.alpha, out.alpha, region);
  }
}

void run_in_place(const LocalOp& op, const Step& step, const Tile& in, Tile& out) {
  std::vector<double> findings;
  const Rect grown_rect = step.halo.grow(step.out);
  const ImageInfo& image = step.link->in;
  Tile grown = Tile::allocate(grown_rect, image.format);
  copy_overlap(in, grown);
  if (!step.halo.none()) {
    fill_border(grown.color, grown_rect, image.extent, op.border(),
                std::round(op.border_value() * image.format.level_scale()));
    if (image.format.alpha) {
      fill_border(grown.alpha, grown_rect, image.extent, op.border(), image.format.max_value());
    }
  }
  cv::Mat result(grown.color.size(), color_type(step.link->out.format));
  Region region{image, grown_rect, step.out, false, &findings};
  region.transparency = op.reads_alpha() ? transparency_of(grown.alpha) : nullptr;
  op.run(grown.color, result, region);
  const cv::Rect kept(static_cast<int>(step.halo.left), static_cast<int>(step.halo.top),
                      static_cast<int>(step.out.width), static_cast<int>(step.out.height));
  result(kept).copyTo(out.color);
  if (!out.alpha.empty()) {
    Tile alpha{step.out, out.alpha, {}};
    copy_overlap({in.rect, in.alpha, {}}, alpha);
  }
}

}  // namespace

Rect region_needs(const Plan& plan, const Rect& out) {
  const std::vector<Step> steps = steps_for(plan, out);
  return steps.empty() ? out.intersect(Rect::whole(plan.in.extent)) : steps.front().in;
}

Tile run_region(const Plan& plan, const Rect& out, const Tile& pixels, const std::stop_token& stop) {
  const std::vector<Step> steps = steps_for(plan, out);
  Tile current = pixels.view(region_needs(plan, out));
  for (const Step& step : steps) {
    throw_if_stopped(stop);
    const auto bound = step.link->op->bound(step.link->in);
    const LocalOp& op = bound ? *bound : *step.link->op;
    Tile result = Tile::allocate(step.out, step.link->out.format);
    if (op.kind() == LocalKind::geometry) {
      run_geometry(op, step, current.view(step.in), result);
    } else {
      run_in_place(op, step, current, result);
    }
    current = std::move(result);
  }
  return current;
}

}  // namespace tessera::desktop
