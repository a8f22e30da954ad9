// SPDX-License-Identifier: Apache-2.0
// The pixels that bilateral looks at.
#pragma once

#include <vector>

namespace tessera {

struct DiscPlace {
  int dy;
  int dx;
  int squared_distance;
};

/// Row by row.
inline std::vector<DiscPlace> disc(int radius) {
  std::vector<DiscPlace> places;
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      const int squared = dx * dx + dy * dy;
      if (squared <= radius * radius) {
        places.push_back({dy, dx, squared});
      }
    }
  }
  return places;
}

}  // namespace tessera
