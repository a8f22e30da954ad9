// SPDX-License-Identifier: Apache-2.0
// butterworth-low-pass, butterworth-high-pass: the two sides of one smooth frequency filter.
#pragma once

#include <cmath>

#include "ops/frequency/band_filter.hpp"

namespace tessera {

/// Turns each f^2 into 1 / (1 + (f / cutoff)^(2 order)); the power is taken by repeated multiplication so
/// that every machine gives the same bits.
inline void butterworth_gains(std::span<double> squared_frequencies, double cutoff, int order) {
  const double squared_cutoff = cutoff * cutoff;
  for (double& value : squared_frequencies) {
    const double ratio = value / squared_cutoff;
    double power = 1;
    for (int i = 0; i < order; ++i) {
      power *= ratio;
    }
    value = 1 / (1 + power);
  }
}

/// Reflected pixels needed for the filter's ringing to die down before the opposite side of the image.
[[nodiscard]] inline std::int64_t butterworth_margin_px(double cutoff) {
  return static_cast<std::int64_t>(std::ceil(2 / cutoff));
}

struct ButterworthLowPass {
  double cutoff = 0.1;
  int order = 2;

  static constexpr OperatorInfo info{
      .name = "butterworth-low-pass",
      .group = "Frequency",
      .doc = "Keeps slow changes of brightness and fades out fine detail, by Fourier transform.",
      .definition =
          "Each axis of n pixels is continued periodically: period P = cv::getOptimalDFTSize(n + 2 min(m, n "
          "- "
          "1)), m = ceil(2 / cutoff); positions n..P-1 reflect (without repeating the edge) about the last "
          "pixel while p - (n - 1) <= P - p, then about pixel 0, clamped to the image. The 2-D DFT of each "
          "channel times H = 1 / (1 + (D / cutoff)^(2 order)), D = sqrt(fx^2 + fy^2) in cycles per pixel (S. "
          "Butterworth, 1930; Gonzalez and Woods), inverse DFT, rounded half to even and saturated. The "
          "reference is cv::dft of the continued image in double precision.",
      .example = "butterworth-low-pass cutoff=0.05 order=2",
      .tolerance = 1,
      .tolerance_reason = "Transforms are in single precision: a value near a half may round the other way."};
  static constexpr auto params = std::tuple{
      number("cutoff", &ButterworthLowPass::cutoff,
             "Frequency whose amplitude is halved, in cycles per pixel (0.5 is the finest there is).",
             {.min = 0.001, .max = 0.75, .slider_min = 0.01, .slider_max = 0.5}),
      integer("order", &ButterworthLowPass::order, "How steeply the filter falls off.",
              {.min = 1, .max = 20, .slider_min = 1, .slider_max = 8})};

  static constexpr AlphaRule alpha_rule = AlphaRule::mean;

  [[nodiscard]] FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                               int threads) const {
    return filter_cost(image, rows, rank, threads, butterworth_margin_px(cutoff));
  }
  void run(Frame& frame, const Tile& in, Tile& out) const {
    filter_frequencies(frame, in, out, butterworth_margin_px(cutoff), 0,
                       [this](std::span<double> values) { butterworth_gains(values, cutoff, order); });
  }
};

struct ButterworthHighPass {
  double cutoff = 0.05;
  int order = 2;
  double offset = 128;

  static constexpr OperatorInfo info{
      .name = "butterworth-high-pass",
      .group = "Frequency",
      .doc = "Keeps fine detail and takes away slow changes of brightness, by Fourier transform.",
      .definition =
          "As butterworth-low-pass with H = 1 - 1 / (1 + (D / cutoff)^(2 order)), so the mean becomes 0; "
          "then "
          "the level `offset` (times 257 for 16-bit) is added, rounded half to even and saturated.",
      .example = "butterworth-high-pass cutoff=0.05 order=2 offset=128",
      .tolerance = 1,
      .tolerance_reason = "Transforms are in single precision: a value near a half may round the other way."};
  static constexpr auto params = std::tuple{
      number("cutoff", &ButterworthHighPass::cutoff,
             "Frequency whose amplitude is halved, in cycles per pixel (0.5 is the finest there is).",
             {.min = 0.001, .max = 0.75, .slider_min = 0.01, .slider_max = 0.5}),
      integer("order", &ButterworthHighPass::order, "How steeply the filter falls off.",
              {.min = 1, .max = 20, .slider_min = 1, .slider_max = 8}),
      number("offset", &ButterworthHighPass::offset,
             "Level that stands for no detail; 128 shows detail darker and lighter than gray.",
             {.min = 0, .max = 255, .slider_min = 0, .slider_max = 255, .unit = "level"})};

  static constexpr AlphaRule alpha_rule = AlphaRule::mean;

  [[nodiscard]] FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                               int threads) const {
    return filter_cost(image, rows, rank, threads, butterworth_margin_px(cutoff));
  }
  void run(Frame& frame, const Tile& in, Tile& out) const {
    filter_frequencies(frame, in, out, butterworth_margin_px(cutoff),
                       offset * frame.image().format.level_scale(), [this](std::span<double> values) {
                         butterworth_gains(values, cutoff, order);
                         for (double& value : values) {
                           value = 1 - value;
                         }
                       });
  }
};

}  // namespace tessera
