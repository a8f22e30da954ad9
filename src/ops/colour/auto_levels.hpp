// SPDX-License-Identifier: Apache-2.0
// auto-levels: stretches the levels in use over the whole range.
#pragma once

#include "ops/colour/level_table.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct AutoLevels {
  double clip_dark_percent = 0.5;
  double clip_bright_percent = 0.5;
  bool per_channel = false;

  static constexpr OperatorInfo info{
      .name = "auto-levels",
      .group = "Colour",
      .doc = "Stretches the levels so that the darkest become black and the brightest white.",
      .definition =
          "Over the histogram of all samples of the image (per-channel=true: of each channel by itself): low "
          "is the lowest level at which the samples at or below it are more than clip-dark percent of all, "
          "high the highest at which those at or above it are more than clip-bright percent. out = max (in - "
          "low) / (high - low) in double precision, rounded to nearest even and clamped; unchanged where "
          "high <= low.",
      .example = "auto-levels clip-dark=1 clip-bright=1"};
  static constexpr auto params = std::tuple{
      number("clip-dark", &AutoLevels::clip_dark_percent, "Share of the samples that may become black.",
             {.min = 0, .max = 50, .slider_min = 0, .slider_max = 5, .unit = "%"}),
      number("clip-bright", &AutoLevels::clip_bright_percent, "Share of the samples that may become white.",
             {.min = 0, .max = 50, .slider_min = 0, .slider_max = 5, .unit = "%"}),
      boolean("per-channel", &AutoLevels::per_channel,
              "Stretches red, green and blue each by itself, which also takes out a colour cast.")};
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const;
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] ApplyLevels finish(std::span<const std::uint64_t> histograms, const ImageInfo& image) const;
};

}  // namespace tessera
