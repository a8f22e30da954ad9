// SPDX-License-Identifier: Apache-2.0
// clahe: local contrast, equalised tile by tile.
#pragma once

#include "ops/colour/luma.hpp"
#include "ops/kinds.hpp"

namespace tessera {

/// The grid of tiles over the whole image and where each pixel lies between their centres.
struct ClaheGrid {
  int tiles_x = 0;
  int tiles_y = 0;
  std::int64_t tile_width = 0;
  std::int64_t tile_height = 0;
  Extent padded;  ///< tiles_x * tile_width by tiles_y * tile_height

  ClaheGrid(const Extent& image, int columns, int rows);
};

/// Between which two tiles of a row (or column) of tiles a pixel lies, and how near to the second.
struct ClaheWeight {
  int first = 0;
  int second = 0;
  float second_weight = 0;
};

struct ClaheTables {
  ClaheGrid grid;
  std::size_t levels;
  std::vector<std::uint16_t> table;  ///< of tile (x, y): from (y * tiles_x + x) * levels on
  std::vector<ClaheWeight> columns;  ///< of each column of the image
};

/// What clahe becomes.
struct ApplyClahe {
  std::shared_ptr<const ClaheTables> tables;

  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

struct Clahe {
  double clip_limit = 2;
  int tiles_x = 8;
  int tiles_y = 8;

  static constexpr OperatorInfo info{
      .name = "clahe",
      .group = "Colour",
      .doc =
          "Brings out local contrast: equalises brightness tile by tile, with a limit that keeps noise "
          "down.",
      .definition =
          "Contrast limited adaptive histogram equalization (K. Zuiderveld, 1994) as "
          "cv::createCLAHE(clip-limit, Size(tiles-x, tiles-y))->apply computes it on the whole image, 8- and "
          "16-bit. RGB: applied to the luma Y of operator grayscale, giving Y'; Y' - Y is added to R, G and "
          "B, clamped, which is to replace Y in YCrCb.",
      .example = "clahe clip-limit=3 tiles-x=8 tiles-y=8"};
  // The tiles of a 16-bit picture take half a megabyte of counts each, in every thread.
  static constexpr auto params = std::tuple{
      number("clip-limit", &Clahe::clip_limit,
             "How far a level may stand out of an even histogram before it is cut; 0 cuts nothing.",
             {.min = 0, .max = 1000, .slider_min = 0, .slider_max = 10}),
      integer("tiles-x", &Clahe::tiles_x, "Tiles across the image.",
              {.min = 1, .max = 16, .slider_min = 1, .slider_max = 16}),
      integer("tiles-y", &Clahe::tiles_y, "Tiles down the image.",
              {.min = 1, .max = 16, .slider_min = 1, .slider_max = 16})};
  static constexpr Merge merge = Merge::sum;
  /// Grids that divide tiny pictures or not; random ones would have tests count in gigabytes.
  static constexpr bool random_parameters = false;
  static std::vector<Clahe> samples(Extent) {
    return {{2, 4, 4}, {0, 3, 5}, {40, 1, 1}, {1.5, 2, 7}, {3, 5, 1}};
  }

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const;
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return luma_bytes(in, part);
  }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] ApplyClahe finish(std::span<const std::uint64_t> histograms, const ImageInfo& image) const;
};

}  // namespace tessera
