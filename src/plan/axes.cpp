// SPDX-License-Identifier: Apache-2.0
#include "plan/axes.hpp"

#include <cstdlib>

namespace tessera {
namespace {

// By where the pixels come from at both ends of the middle row and of the middle column of the result.
bool swaps_axes(const ChainLink& link) {
  if (!link.op || link.op->kind() != LocalKind::geometry || !link.op->crosses_rows()) {
    return false;
  }
  const auto from = [&](std::int64_t x, std::int64_t y) { return link.op->needs({x, y, 1, 1}, link.in); };
  const Extent out = link.out.extent;
  const Rect left = from(0, out.height / 2);
  const Rect right = from(out.width - 1, out.height / 2);
  const Rect top = from(out.width / 2, 0);
  const Rect bottom = from(out.width / 2, out.height - 1);
  const std::int64_t along = std::abs(right.x - left.x) + std::abs(bottom.y - top.y);
  const std::int64_t across = std::abs(right.y - left.y) + std::abs(bottom.x - top.x);
  return across > along;
}

}  // namespace

bool swaps_axes(const Plan& plan) {
  bool swapped = false;
  for (const Stage& stage : plan.stages) {
    for (const ChainLink& link : stage.chain) {
      swapped = swapped != swaps_axes(link);
    }
  }
  return swapped;
}

}  // namespace tessera
