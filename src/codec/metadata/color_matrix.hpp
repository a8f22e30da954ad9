// SPDX-License-Identifier: Apache-2.0
// From chromaticities of primaries to the matrix of a profile, whose white is D50.
#pragma once

#include <array>
#include <optional>

namespace tessera {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;  ///< rows

struct Chromaticity {
  double x = 0;
  double y = 0;
};
using Chromaticities = std::array<Chromaticity, 4>;  ///< white, red, green, blue

inline constexpr Chromaticities srgb_primaries{
    {{0.3127, 0.3290}, {0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}}};
inline constexpr Vector3 d50{0.9642, 1.0, 0.8249};

struct AdaptedPrimaries {
  Matrix3 to_xyz;      ///< a column for each primary, adapted to D50
  Matrix3 adaptation;  ///< Bradford, from the primaries' own white
};

/// Nothing if the primaries lie on a line, or have no luminance.
[[nodiscard]] std::optional<AdaptedPrimaries> adapt_to_d50(const Chromaticities& primaries);

}  // namespace tessera
