// SPDX-License-Identifier: Apache-2.0
#include "tile_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace tessera::bench {
namespace {

constexpr double window_width_px = 1280;
constexpr double window_height_px = 800;
/// Where people look, as shares of the width and the height; the first most often.
constexpr std::array<std::array<double, 2>, 6> places{
    {{0.31, 0.42}, {0.68, 0.35}, {0.52, 0.61}, {0.15, 0.77}, {0.84, 0.72}, {0.45, 0.18}}};

std::int64_t tile_px(TileAddress address) { return address == TileAddress::iiif ? 512 : 256; }

std::int64_t divided_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

}  // namespace

bool Tile::operator<(const Tile& other) const {
  return std::tie(address, reduction, column, row) <
         std::tie(other.address, other.reduction, other.column, other.row);
}

std::string Tile::target(const std::string& identifier, const PictureSize& picture) const {
  if (address == TileAddress::xyz) {
    // Level 0 is the whole picture in one tile, the highest is the full size.
    int levels = 0;
    while ((tile_px(address) << levels) < std::max(picture.width, picture.height)) {
      ++levels;
    }
    return fmt::format("/tiles/{}/{}/{}/{}.png", identifier, levels - reduction, column, row);
  }
  const std::int64_t factor = std::int64_t{1} << reduction;
  const std::int64_t side = tile_px(address) * factor;
  const std::int64_t width = std::min(side, picture.width - column * side);
  const std::int64_t height = std::min(side, picture.height - row * side);
  return fmt::format("/iiif/{}/{},{},{},{}/{},{}/0/default.jpg", identifier, column * side, row * side, width,
                     height, divided_up(width, factor), divided_up(height, factor));
}

TileWalk::TileWalk(const PictureSize& picture, TileAddress address, unsigned seed)
    : picture_(picture),
      address_(address),
      random_(seed),
      reduction_(whole()),
      x_(static_cast<double>(picture.width) / 2),
      y_(static_cast<double>(picture.height) / 2) {
  std::geometric_distribution<std::size_t> choice(0.5);
  const auto& place = places[std::min(choice(random_), places.size() - 1)];
  std::normal_distribution<double> near(0, 0.02);
  goal_x_ = (place[0] + near(random_)) * static_cast<double>(picture.width);
  goal_y_ = (place[1] + near(random_)) * static_cast<double>(picture.height);
}

int TileWalk::whole() const {
  int reduction = 0;
  while (static_cast<double>(picture_.width >> reduction) > window_width_px ||
         static_cast<double>(picture_.height >> reduction) > window_height_px) {
    ++reduction;
  }
  return reduction;
}

double TileWalk::uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random_);
}

std::vector<Tile> TileWalk::visible() const {
  const std::int64_t side = tile_px(address_) << reduction_;
  const double scale = std::ldexp(1, reduction_);
  // Along one side of the picture: the first tile that is seen, and the one behind the last.
  const auto seen = [&](double middle, double window_px, std::int64_t extent) {
    const auto tile_at = [&](double at) {
      return static_cast<std::int64_t>(std::floor(at / static_cast<double>(side)));
    };
    const std::int64_t count = divided_up(extent, side);
    return std::pair{std::clamp<std::int64_t>(tile_at(middle - window_px * scale / 2), 0, count - 1),
                     std::clamp<std::int64_t>(tile_at(middle + window_px * scale / 2) + 1, 1, count)};
  };
  const auto [left, right] = seen(x_, window_width_px, picture_.width);
  const auto [top, bottom] = seen(y_, window_height_px, picture_.height);
  std::vector<Tile> tiles;
  for (std::int64_t row = top; row < bottom; ++row) {
    for (std::int64_t column = left; column < right; ++column) {
      tiles.push_back({address_, reduction_, column, row});
    }
  }
  return tiles;
}

void TileWalk::step() {
  const double choice = uniform(0, 1);
  const double scale = std::ldexp(1, reduction_);
  if (choice < 0.55 && reduction_ > 0) {
    --reduction_;
    x_ += (goal_x_ - x_) / 2;
    y_ += (goal_y_ - y_) / 2;
  } else if (choice < 0.85 || reduction_ == whole()) {
    x_ += uniform(-0.6, 0.6) * window_width_px * scale;
    y_ += uniform(-0.6, 0.6) * window_height_px * scale;
  } else {
    ++reduction_;
  }
  x_ = std::clamp(x_, 0.0, static_cast<double>(picture_.width - 1));
  y_ = std::clamp(y_, 0.0, static_cast<double>(picture_.height - 1));
}

}  // namespace tessera::bench
