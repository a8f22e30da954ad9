// SPDX-License-Identifier: Apache-2.0
// An image, perhaps processed, as viewers see it: any part of it at any size, made from only the pixels that
// the part needs.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "plan/pipeline.hpp"
#include "process/process.hpp"
#include "viewing/row_cache.hpp"

namespace tessera {

struct ViewLimits {
  WorkLimits image;  ///< of the image, the processed picture and the encoded part
  /// Pixels of the file that one part may be made of. Rows are read at full width.
  std::int64_t max_read_pixels = std::int64_t{1} << 29;
  std::int64_t max_part_pixels = std::int64_t{1} << 24;  ///< of the part at the size it is shown
};

enum class ViewQuality : std::uint8_t { color, gray, bitonal };

/// "color", "gray" or "bitonal"; nothing for other texts.
[[nodiscard]] std::optional<ViewQuality> view_quality_named(std::string_view name);

struct ViewPart {
  Rect region;  ///< of the processed picture at full size
  Extent size;  ///< that the region is scaled to; the steps below come after that, in their order
  bool mirrored = false;
  int quarter_turns = 0;  ///< clockwise, 0 to 3
  ViewQuality quality = ViewQuality::color;
};

/// For one thread. What a pipeline makes of a region is byte for byte what it makes of the whole image there.
class ViewedImage {
 public:
  /// Opens the image in an open file, which stays the caller's and is no longer needed. `name` is what
  /// sentences call it. Throws what opening throws; Error(bad_parameter) for pipelines whose result depends on
  /// the whole image at every place; Error(limit_exceeded) for images that must be held whole and are more
  /// than the cache may hold.
  ViewedImage(int descriptor, const std::string& name, const PipelineSteps& pipeline, ViewLimits limits,
              const std::shared_ptr<RowCache>& cache, int threads);

  /// Of the processed picture.
  [[nodiscard]] const ImageInfo& info() const { return levels_.front()->info(); }
  /// Of the smaller levels that the file has. None for a processed picture.
  [[nodiscard]] std::vector<Extent> level_extents() const;

  /// The region at its size: taken from the smallest level that is not smaller, where the region's edges fall
  /// on that level's pixels; then reduced by area, or enlarged by linear interpolation. Throws
  /// Error(bad_parameter) for a region that is not inside, Error(limit_exceeded), and what reading throws.
  [[nodiscard]] Tile pixels(const ViewPart& part, const std::stop_token& stop = {}) const;
  /// The whole part, encoded, with the image's colour profile.
  [[nodiscard]] Bytes encode(const ViewPart& part, const OutputOptions& output,
                             const std::stop_token& stop = {}) const;

 private:
  [[nodiscard]] std::size_t level_for(const ViewPart& part) const;
  void check(const ViewPart& part) const;
  void check_cost(const Interval& rows, std::size_t level) const;

  ViewLimits limits_;
  int threads_;
  ImageInfo stored_;                             ///< of the file's picture
  Plan plan_;                                    ///< of the pipeline
  bool processed_;                               ///< the pipeline has operators
  bool in_order_;                                ///< the file is read from its top
  Metadata colors_;                              ///< what says how the numbers are to be seen
  std::vector<std::unique_ptr<Source>> levels_;  ///< the picture itself first
};

}  // namespace tessera
