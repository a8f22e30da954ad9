// SPDX-License-Identifier: Apache-2.0
// What has to be known of a HEIF or AVIF file before libheif sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "codec/io/input.hpp"

namespace tessera {

struct HeifLayout {
  bool has_still = false;     ///< pictures, not only a sequence
  bool has_sequence = false;  ///< an animation or video
  /// Bits a sample of a main picture that is gray with black at 16 and white at 235 (times 4 or 16 for 10 or
  /// 12 bits).
  std::optional<int> limited_gray_bits;
  /// The file with the properties of each picture in the order that the standard wants: first those that
  /// describe it, then those that turn, mirror or crop it. The file itself where they are.
  std::shared_ptr<const Input> ordered;
};

/// Never fails: what makes no sense is left for libheif to refuse.
[[nodiscard]] HeifLayout read_heif_layout(std::shared_ptr<const Input> input);

}  // namespace tessera
