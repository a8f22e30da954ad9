// SPDX-License-Identifier: Apache-2.0
// Filtering by multiplication in the frequency domain, for images held in bands of rows.
#pragma once

#include <functional>
#include <span>

#include "ops/kinds.hpp"

namespace tessera {

/// One axis of the periodic image that is transformed: `size` pixels continued by reflection on both sides to
/// `period`, a length that factors into 2, 3 and 5.
struct MirroredAxis {
  std::int64_t size = 0;
  std::int64_t period = 0;

  /// At least min(margin_px, size - 1) reflected pixels before and after. Throws Error(limit_exceeded) if the
  /// period would pass 2^31 - 1.
  [[nodiscard]] static MirroredAxis of(std::int64_t size, std::int64_t margin_px);
  /// The pixel that stands at `position`, 0 <= position < period: itself inside the image; past its end the
  /// reflection (without repeating the edge pixel) about the last pixel or, nearer to the period's end, about
  /// pixel 0.
  [[nodiscard]] std::int64_t source(std::int64_t position) const {
    if (position < size) {
      return position;
    }
    const std::int64_t after = position - (size - 1);
    const std::int64_t before = period - position;
    return after <= before ? std::max<std::int64_t>(0, size - 1 - after) : std::min(size - 1, before);
  }
  /// Frequency of bin k, 0 <= k < period, in cycles per pixel: 0..0.5.
  [[nodiscard]] double frequency(std::int64_t bin) const {
    return static_cast<double>(std::min(bin, period - bin)) / static_cast<double>(period);
  }
};

/// Replaces squared frequencies, in cycles per pixel squared, by the filter's gains. Called from several
/// threads.
using GainOf = std::function<void(std::span<double> squared_frequencies)>;

/// Multiplies the 2-D discrete Fourier transform of every channel, continued as MirroredAxis says, by the
/// gain at fx^2 + fy^2; `offset` (in the image's own levels) is added to the result, which is rounded half to
/// even and saturated. Single precision; each 1-D transform is made whole on one rank, so the bits do not
/// depend on the bands. Collective.
void filter_frequencies(Frame& frame, const Tile& in, Tile& out, std::int64_t margin_px, double offset,
                        const GainOf& gain);

/// What filter_frequencies() takes: the spectrum of a channel, as the rank has it of its rows and as it gets it of its
/// columns, and the buffers of its threads.
[[nodiscard]] FrameCost filter_cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                                    int threads, std::int64_t margin_px);

}  // namespace tessera
