// SPDX-License-Identifier: Apache-2.0
// One preview after another of one picture with one pipeline: what each takes, and the choice of the copy's
// size.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "preview/image_store.hpp"
#include "preview/preview_request.hpp"

namespace tessera::desktop {

/// Small copies of the picture that is looked at, by their scale.
class CopyCache {
 public:
  /// The picture's pixels at `scale` (0..1], or all there are.
  [[nodiscard]] const Tile& at(const std::shared_ptr<const HeldImage>& image, double scale);
  /// The same for the screen.
  [[nodiscard]] const QImage& image_at(const std::shared_ptr<const HeldImage>& image, double scale);

 private:
  void look_at(const std::shared_ptr<const HeldImage>& image);
  std::shared_ptr<const HeldImage> image_;
  std::map<double, Tile> copies_;
  std::map<double, QImage> images_;
};

/// How long a pipeline takes for each pixel, learnt from its runs.
class CostModel {
 public:
  /// Scale of a copy that will be done within `milliseconds`; at most `wanted`.
  [[nodiscard]] double affordable_scale(const PipelineSteps& pipeline, const Extent& extent, double wanted,
                                        double milliseconds) const;
  void learn(const PipelineSteps& pipeline, double pixels, double milliseconds);

 private:
  std::map<std::string, double> ms_per_pixel_;  ///< by the names of the operators
};

/// Scales are powers of the square root of two, so that zooming does not make new copies all the time. The
/// smallest that is not below `scale`.
[[nodiscard]] double rounded_scale(double scale);

/// Runs a plan over pixels in memory with the real engine. Throws what run_plan throws.
struct RunResult {
  Tile pixels;
  std::vector<Findings> findings;
  double milliseconds = 0;
};
[[nodiscard]] RunResult run_in_memory(const Plan& plan, const Tile& pixels, const std::stop_token& stop,
                                      const std::function<void(double)>& progress = {});

/// Opens images that operators name, `scale` as big as they are, and keeps them.
[[nodiscard]] ImageLoader scaled_loader(std::shared_ptr<ImageStore> store, double scale);

}  // namespace tessera::desktop
