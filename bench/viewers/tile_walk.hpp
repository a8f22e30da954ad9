// SPDX-License-Identifier: Apache-2.0
// How a person looks at a large picture: the tiles of what is in the window, step by step.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tessera::bench {

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// By which addresses a viewer gets its tiles.
enum class TileAddress : std::uint8_t {
  iiif,  ///< tiles of 512 pixels as JPEG, as OpenSeadragon takes them
  xyz,   ///< tiles of 256 pixels as PNG, as maps take them
};

struct Tile {
  TileAddress address = TileAddress::iiif;
  int reduction = 0;  ///< the tile shows the picture at 1/2^reduction
  std::int64_t column = 0;
  std::int64_t row = 0;

  bool operator==(const Tile&) const = default;
  bool operator<(const Tile& other) const;
  /// Below /iiif or /tiles; `identifier` is percent-encoded.
  [[nodiscard]] std::string target(const std::string& identifier, const PictureSize& picture) const;
};

/// A walk over one picture: it begins with the whole, and then goes in, along and out, mostly to places that others
/// look at too. Deterministic.
class TileWalk {
 public:
  TileWalk(const PictureSize& picture, TileAddress address, unsigned seed);
  /// What is in the window now.
  [[nodiscard]] std::vector<Tile> visible() const;
  void step();
  [[nodiscard]] double uniform(double low, double high);

 private:
  [[nodiscard]] int whole() const;  ///< the reduction at which the picture fits into the window
  PictureSize picture_;
  TileAddress address_;
  std::mt19937 random_;
  int reduction_;
  double x_;  ///< the middle of the window, in pixels of the picture
  double y_;
  double goal_x_ = 0;  ///< where it goes in
  double goal_y_ = 0;
};

}  // namespace tessera::bench
