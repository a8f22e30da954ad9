// SPDX-License-Identifier: Apache-2.0
// The slow, obvious way to run an operator: on the whole image at once, or on one horizontal piece after
// another, each cut out with its ghost pixels looked up one by one. No engine, no fusion, no threads: what
// the engine is held against.
#pragma once

#include <random>

#include "ops/catalog.hpp"

namespace tessera::testing {

struct Outcome {
  Tile image;
  std::vector<double> findings;
};

/// A tile that covers the whole of a fresh image.
Tile whole_tile(const ImageInfo& info);
ImageInfo info_of(const Tile& whole);

/// The coordinate inside [0, size) that border handling reads for `position`, or -1 for a constant.
std::int64_t border_position(std::int64_t position, std::int64_t size, Border border);
/// The pixels of `rect`, which may reach outside the image; both planes.
Tile fetch(const Tile& whole, const Rect& rect, Border border, double border_value);

/// Runs one operator on pieces of `piece_rows` rows (0: the whole image in one piece). Gray-only operators
/// turn RGB to gray first; composites run their parts.
Outcome run_reference(const Operator& op, const Tile& whole, std::int64_t piece_rows = 0);
/// Runs operators one after another, each on the whole image.
Outcome run_reference(const std::vector<Operator>& pipeline, const Tile& whole);

/// Largest difference of any sample, alpha included; infinity if the formats or extents differ.
double difference(const Tile& a, const Tile& b);
/// Where two images differ first, in words, for test messages.
std::string first_difference(const Tile& a, const Tile& b);

enum class Pattern : std::uint8_t { noise, zones, steps, photo_like, constant };
Tile make_image(const ImageInfo& info, Pattern pattern, unsigned seed);

/// What operators find under any name of an image: 16-bit, with alpha.
Tile sample_image(const std::string& name);
/// Random parameters within slider ranges, or one of the operator's own samples.
Json random_parameters(const CatalogEntry& entry, Extent extent, std::mt19937& random);

}  // namespace tessera::testing
