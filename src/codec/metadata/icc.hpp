// SPDX-License-Identifier: Apache-2.0
// ICC profiles: whether one fits the pixels, and simple ones made where that is exact.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "image/stream.hpp"

namespace tessera {

enum class ProfileSpace : std::uint8_t { gray, rgb, other };

/// What the profile's numbers are; nothing if it is not a profile.
[[nodiscard]] std::optional<ProfileSpace> profile_space(const Bytes& icc);

/// A gray profile with the tone curve of an RGB profile whose three curves are the same, or an RGB profile
/// with sRGB's primaries and the tone curve of a gray one: neutral colours look as they did. Empty where the
/// profile has tables instead of curves, or different curves.
[[nodiscard]] Bytes convert_profile(const Bytes& icc, ProfileSpace wanted);

/// Whether the numbers mean what they would mean without a profile, to within half a level of 8 bits.
[[nodiscard]] bool is_srgb(const Bytes& icc);

/// A profile that says what the chunks of a PNG say.
struct MadeProfile {
  Bytes icc;            ///< empty if the colours are those of sRGB, or cannot be said in a profile
  std::string refusal;  ///< why they cannot; empty if they can
};
[[nodiscard]] MadeProfile profile_of(const ColorEncoding& encoding, ProfileSpace wanted);

}  // namespace tessera
