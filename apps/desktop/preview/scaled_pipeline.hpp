// SPDX-License-Identifier: Apache-2.0
// The pipeline for a small copy of a picture: what is measured in pixels shrinks with it, or the copy would
// show a lie.
#pragma once

#include <string>
#include <vector>

#include "plan/pipeline.hpp"
#include "plan/plan.hpp"

namespace tessera::desktop {

/// Whole numbers of pixels are rounded to the nearest, or down: two lengths rounded up may reach outside.
enum class Rounding : std::uint8_t { nearest, down };

/// Every parameter whose unit is "px" is multiplied by `scale` (0..1], given or default, and kept in its
/// range; odd ones stay odd. 0, which stands for "none" or "as it comes", stays 0, and nothing else becomes
/// 0.
[[nodiscard]] PipelineSteps scale_pipeline(const PipelineSteps& pipeline, double scale, Rounding rounding);

/// The plan for a copy `scale` as big as the picture. Throws what make_plan throws.
[[nodiscard]] Plan make_scaled_plan(const PipelineSteps& pipeline, double scale, const ImageInfo& copy,
                                    const ImageLoader& load);

/// Why a small copy cannot show exactly what an operator does.
struct Approximation {
  enum class Reason : std::uint8_t {
    fine_detail,   ///< it works on pixels closer together than those of the copy
    whole_picture  ///< it measures the whole picture, and the copy's measure is only near
  };
  std::string operator_name;
  Reason reason = Reason::fine_detail;
  bool operator==(const Approximation&) const = default;
};

/// Told from the reach of the operators (their halos) in both plans, each operator at most once.
[[nodiscard]] std::vector<Approximation> approximations(const Plan& full, const Plan& scaled, double scale);

}  // namespace tessera::desktop
