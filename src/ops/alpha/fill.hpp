// SPDX-License-Identifier: Apache-2.0
// Colours for pixels that are fully transparent, made before an operator that looks at neighbours or at the
// whole picture: the planner puts these in front of it where the picture has alpha. No operator of the
// catalogue.
#pragma once

#include <memory>
#include <string>

#include "ops/operator.hpp"

namespace tessera {

/// Gives each fully transparent pixel the mean of the pixels around it, weighed by alpha and rounded to
/// nearest; 0 where none of them is visible. `reach` is the halo of the operator that will look at the
/// result: a pixel's mean is over all pixels that look at it.
class FillTransparent : public Bordered {
 public:
  static constexpr bool reads_alpha = true;

  FillTransparent(const Halo& reach, Border outside)
      : halo_{reach.right, reach.bottom, reach.left, reach.top} {
    // What a constant border stands for is no part of the picture.
    border = outside == Border::constant ? Border::replicate : outside;
  }
  [[nodiscard]] Halo halo() const { return halo_; }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;

 private:
  Halo halo_;
};

/// Makes fully transparent pixels 0.
struct ClearTransparent {
  static constexpr bool reads_alpha = true;

  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

/// What FillWithMean becomes once the mean is known.
struct FillWithColor {
  static constexpr bool reads_alpha = true;

  cv::Vec<std::uint16_t, 3> levels;
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

/// Gives fully transparent pixels the mean, rounded to nearest, of all others of the image; 0 if there are
/// none.
struct FillWithMean {
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const {
    return static_cast<std::size_t>(image.format.channels) + 1;
  }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] FillWithColor finish(std::span<const std::uint64_t> sums, const ImageInfo& image) const;
};

}  // namespace tessera
