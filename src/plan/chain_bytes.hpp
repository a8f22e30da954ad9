// SPDX-License-Identifier: Apache-2.0
// What a worker holds while a strip runs through a chain.
#pragma once

#include <functional>
#include <span>

#include "plan/plan.hpp"

namespace tessera {

/// Bytes that kernels take beside their input and output.
struct KernelBytes {
  /// To make `out`, which is without the halo.
  std::function<std::int64_t(const ChainLink& link, const Rect& out)> run;
  /// By a link that gets its input in pieces, and makes `rows` rows.
  std::function<std::int64_t(const ChainLink& link, std::int64_t rows)> in_pieces;
};

struct ChainBytes {
  std::int64_t buffers = 0;  ///< which a worker keeps from strip to strip
  std::int64_t kernels = 0;  ///< of the one that takes most, and of those that get pieces
  [[nodiscard]] std::int64_t total() const { return buffers + kernels; }
};

/// Of the chain that makes `rows` of its result, with the buffers as ChainRunner places them.
[[nodiscard]] ChainBytes chain_bytes(std::span<const ChainLink> chain, const ImageInfo& in,
                                     const Interval& rows, const KernelBytes& kernels);

/// Of a plane that covers `rect` and `margin` around it.
[[nodiscard]] std::int64_t plane_bytes(const Rect& rect, const Halo& margin, std::int64_t pixel_bytes);

}  // namespace tessera
