// SPDX-License-Identifier: Apache-2.0
// How two images differ.
#pragma once

#include <cstdint>
#include <vector>

#include "image/sink.hpp"
#include "image/stream.hpp"

namespace tessera::cli {

struct ChannelDifference {
  int max = 0;  ///< levels of the images' own depth
  double mean = 0;
};

struct Difference {
  ImageInfo first;
  ImageInfo second;
  std::vector<ChannelDifference> channels;  ///< the colours, then alpha
  std::int64_t pixels = 0;                  ///< that differ in any channel
  std::int64_t first_x = -1;                ///< of the first that differs, in reading order
  std::int64_t first_y = -1;
  double squared_sum = 0;  ///< over all samples

  /// Same extent and pixel format; if not, only first and second are set.
  [[nodiscard]] bool comparable() const { return first == second; }
  [[nodiscard]] bool equal() const { return comparable() && pixels == 0; }
  /// 10 log10(max^2 / mean squared difference), over all channels; infinite for equal images.
  [[nodiscard]] double psnr_db() const;
};

/// Reads both from top to bottom, a few rows at a time. `picture`, if not null, is finished with the absolute
/// differences times `amplify`, in the images' own format, alpha opaque.
[[nodiscard]] Difference find_difference(Source& first, Source& second, Sink* picture, double amplify);

}  // namespace tessera::cli
