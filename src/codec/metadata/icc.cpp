// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/icc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <string_view>

#include "codec/metadata/color_matrix.hpp"
#include "codec/metadata/profile_maker.hpp"

namespace tessera {
namespace {

constexpr std::size_t header_bytes = 128;
constexpr std::size_t table_entry_bytes = 12;

std::uint32_t word(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

std::string_view text(std::span<const std::byte> bytes, std::size_t at) {
  return {reinterpret_cast<const char*>(bytes.data()) + at, 4};
}

bool is_profile(std::span<const std::byte> icc) {
  return icc.size() >= header_bytes + 4 && text(icc, 36) == "acsp";
}

// The content of a tag of a profile; empty if there is none.
std::span<const std::byte> tag(std::span<const std::byte> icc, std::string_view name) {
  constexpr std::uint32_t max_tags = 200;
  const std::uint32_t count = std::min(word(icc, header_bytes), max_tags);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = header_bytes + 4 + i * table_entry_bytes;
    if (entry + table_entry_bytes > icc.size()) {
      break;
    }
    const std::size_t at = word(icc, entry + 4);
    const std::size_t bytes = word(icc, entry + 8);
    if (text(icc, entry) == name) {
      return at <= icc.size() && bytes <= icc.size() - at ? icc.subspan(at, bytes)
                                                          : std::span<const std::byte>();
    }
  }
  return {};
}

double fixed(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::int32_t>(word(bytes, at)) / 65536.0;
}

std::optional<Vector3> xyz(std::span<const std::byte> content) {
  if (content.size() < 20 || text(content, 0) != "XYZ ") {
    return std::nullopt;
  }
  return Vector3{fixed(content, 8), fixed(content, 12), fixed(content, 16)};
}

// A tone curve ("curv" or "para") at `x` of 0..1; a negative number if it is neither.
double curve(std::span<const std::byte> content, double x) {
  if (content.size() < 12) {
    return -1;
  }
  if (text(content, 0) == "curv") {
    const std::size_t count = word(content, 8);
    const auto sample = [&](std::size_t i) {
      return static_cast<double>(static_cast<unsigned>(content[12 + 2 * i]) << 8 |
                                 static_cast<unsigned>(content[13 + 2 * i]));
    };
    if (count == 0) {
      return x;
    }
    if (count > (content.size() - 12) / 2) {
      return -1;
    }
    if (count == 1) {
      return std::pow(x, sample(0) / 256);
    }
    const double at = x * static_cast<double>(count - 1);
    const auto below = std::min(static_cast<std::size_t>(at), count - 2);
    const double part = at - static_cast<double>(below);
    return (sample(below) * (1 - part) + sample(below + 1) * part) / 65535;
  }
  constexpr std::array<std::size_t, 5> parameters{1, 3, 4, 5, 7};
  const std::size_t kind = static_cast<std::size_t>(content[8]) << 8 | static_cast<std::size_t>(content[9]);
  if (text(content, 0) != "para" || kind >= parameters.size() ||
      content.size() < 12 + 4 * parameters.at(kind)) {
    return -1;
  }
  std::array<double, 7> p{};
  for (std::size_t i = 0; i < parameters.at(kind); ++i) {
    p.at(i) = fixed(content, 12 + 4 * i);
  }
  const auto [g, a, b, c, d, e, f] = p;
  // By copy, because clang does not let a lambda refer to a structured binding.
  const auto power = [gamma = g](double base) { return base <= 0 ? 0 : std::pow(base, gamma); };
  switch (kind) {
    case 0:
      return power(x);
    case 1:
      return x >= -b / a ? power(a * x + b) : 0;
    case 2:
      return x >= -b / a ? power(a * x + b) + c : c;
    case 3:
      return x >= d ? power(a * x + b) : c * x;
    default:
      return x >= d ? power(a * x + b) + e : c * x + f;
  }
}

double srgb_curve(double x) { return x > 0.04045 ? std::pow((x + 0.055) / 1.055, 2.4) : x / 12.92; }

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool has_tables(std::span<const std::byte> icc) {
  return !tag(icc, "A2B0").empty() || !tag(icc, "D2B0").empty();
}

Bytes gray_profile(const Bytes& tone_curve) {
  ProfileMaker maker(ProfileSpace::gray);
  maker.add("kTRC", tone_curve);
  return maker.make();
}

Bytes rgb_profile(const Chromaticities& primaries, const Bytes& tone_curve) {
  const std::optional<AdaptedPrimaries> adapted = adapt_to_d50(primaries);
  if (!adapted) {
    return {};
  }
  ProfileMaker maker(ProfileSpace::rgb);
  const std::array<std::string, 3> colors{"r", "g", "b"};
  for (std::size_t i = 0; i < 3; ++i) {
    maker.add_xyz(colors.at(i) + "XYZ",
                  {adapted->to_xyz[0][i], adapted->to_xyz[1][i], adapted->to_xyz[2][i]});
    maker.add(colors.at(i) + "TRC", tone_curve);
  }
  maker.add_matrix("chad", adapted->adaptation);
  return maker.make();
}

Bytes profile(ProfileSpace space, const Chromaticities& primaries, const Bytes& tone_curve) {
  return space == ProfileSpace::gray ? gray_profile(tone_curve) : rgb_profile(primaries, tone_curve);
}

const Bytes& srgb_tone() {
  static const Bytes tone = ProfileMaker::parametric(3, {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045});
  return tone;
}

MadeProfile profile_of_cicp(const std::array<std::uint8_t, 4>& cicp, ProfileSpace wanted) {
  const auto [primaries, transfer, matrix, full_range] = cicp;
  if (matrix != 0 || full_range != 1) {
    return {{}, "its cICP chunk does not describe RGB of full range"};
  }
  const std::map<int, Chromaticities> known_primaries{
      {1, srgb_primaries},
      {9, Chromaticities{{{0.3127, 0.3290}, {0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}}}},
      {11, Chromaticities{{{0.314, 0.351}, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}}},
      {12, Chromaticities{{{0.3127, 0.3290}, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}}}}};
  const auto colors = known_primaries.find(primaries);
  if (colors == known_primaries.end()) {
    return {{}, fmt::format("a profile cannot be made of the primaries {} in its cICP chunk", primaries)};
  }
  switch (transfer) {
    case 13:
      return {primaries == 1 ? Bytes() : profile(wanted, colors->second, srgb_tone()), ""};
    case 1:
    case 6:
    case 14:
    case 15:
      // BT.709's curve, and that of BT.2020, backwards.
      return {profile(wanted, colors->second,
                      ProfileMaker::parametric(3, {1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081})),
              ""};
    case 4:
      return {profile(wanted, colors->second, ProfileMaker::parametric(0, {2.2})), ""};
    case 5:
      return {profile(wanted, colors->second, ProfileMaker::parametric(0, {2.8})), ""};
    case 8:
      return {profile(wanted, colors->second, ProfileMaker::parametric(0, {1.0})), ""};
    default:
      return {{},
              fmt::format("a profile cannot be made of the transfer function {} in its cICP chunk{}",
                          transfer, transfer == 16 || transfer == 18 ? " (high dynamic range)" : "")};
  }
}

bool are_of_srgb(const Chromaticities& colors) {
  constexpr double tolerance = 0.0015;
  for (std::size_t i = 0; i < colors.size(); ++i) {
    if (std::abs(colors.at(i).x - srgb_primaries.at(i).x) > tolerance ||
        std::abs(colors.at(i).y - srgb_primaries.at(i).y) > tolerance) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<ProfileSpace> profile_space(const Bytes& icc) {
  if (!is_profile(icc)) {
    return std::nullopt;
  }
  const std::string_view name = text(icc, 16);
  return name == "RGB " ? ProfileSpace::rgb : name == "GRAY" ? ProfileSpace::gray : ProfileSpace::other;
}

Bytes convert_profile(const Bytes& icc, ProfileSpace wanted) {
  const auto space = profile_space(icc);
  if (!space || has_tables(icc) || text(icc, 20) != "XYZ ") {
    return {};
  }
  const bool to_gray = *space == ProfileSpace::rgb && wanted == ProfileSpace::gray;
  const bool to_rgb = *space == ProfileSpace::gray && wanted == ProfileSpace::rgb;
  const auto tone = tag(icc, to_gray ? "gTRC" : "kTRC");
  if ((!to_gray && !to_rgb) || curve(tone, 0.5) < 0) {
    return {};
  }
  const Bytes copy(tone.begin(), tone.end());
  if (to_rgb) {
    return rgb_profile(srgb_primaries, copy);
  }
  return same(tone, tag(icc, "rTRC")) && same(tone, tag(icc, "bTRC")) ? gray_profile(copy) : Bytes();
}

bool is_srgb(const Bytes& icc) {
  const auto space = profile_space(icc);
  if (!space || *space == ProfileSpace::other || has_tables(icc)) {
    return false;
  }
  const bool gray = *space == ProfileSpace::gray;
  const std::array<std::string_view, 3> curves{gray ? "kTRC" : "rTRC", gray ? "kTRC" : "gTRC",
                                               gray ? "kTRC" : "bTRC"};
  constexpr double half_level = 0.5 / 255;
  constexpr int steps = 64;
  for (const std::string_view name : curves) {
    const auto tone = tag(icc, name);
    for (int i = 0; i <= steps; ++i) {
      const double x = static_cast<double>(i) / steps;
      if (std::abs(curve(tone, x) - srgb_curve(x)) > half_level) {
        return false;
      }
    }
  }
  const AdaptedPrimaries expected = *adapt_to_d50(srgb_primaries);
  const std::array<std::string_view, 3> colors{"rXYZ", "gXYZ", "bXYZ"};
  for (std::size_t i = 0; !gray && i < 3; ++i) {
    const auto value = xyz(tag(icc, colors.at(i)));
    constexpr double tolerance = 0.002;
    for (std::size_t j = 0; j < 3; ++j) {
      if (!value || std::abs((*value)[j] - expected.to_xyz[j][i]) > tolerance) {
        return false;
      }
    }
  }
  return true;
}

MadeProfile profile_of(const ColorEncoding& encoding, ProfileSpace wanted) {
  if (encoding.cicp) {
    return profile_of_cicp(*encoding.cicp, wanted);
  }
  const bool has_colors = encoding.chromaticities != ColorEncoding{}.chromaticities;
  if (encoding.srgb_intent || (encoding.gamma == 0 && !has_colors)) {
    return {};
  }
  Chromaticities colors = srgb_primaries;
  for (std::size_t i = 0; has_colors && i < colors.size(); ++i) {
    colors.at(i) = {encoding.chromaticities.at(2 * i) / 1e5, encoding.chromaticities.at(2 * i + 1) / 1e5};
  }
  // What nearly every PNG says that has this chunk: sRGB, as closely as a power can say it.
  constexpr std::uint32_t srgb_gamma_from = 45'000;
  constexpr std::uint32_t srgb_gamma_to = 46'000;
  const bool srgb_gamma =
      encoding.gamma == 0 || (encoding.gamma >= srgb_gamma_from && encoding.gamma <= srgb_gamma_to);
  if (srgb_gamma && (wanted == ProfileSpace::gray || are_of_srgb(colors))) {
    return {};
  }
  constexpr double least = 0.05;
  constexpr double most = 20;
  const double exponent = encoding.gamma == 0 ? 1 : 1e5 / encoding.gamma;
  if (exponent < least || exponent > most) {
    return {{},
            fmt::format("a profile cannot be made of the gamma {} in its gAMA chunk", encoding.gamma / 1e5)};
  }
  MadeProfile made;
  made.icc =
      profile(wanted, colors, encoding.gamma == 0 ? srgb_tone() : ProfileMaker::parametric(0, {exponent}));
  if (made.icc.empty()) {
    made.refusal = "the primaries in its cHRM chunk are no colours";
  }
  return made;
}

}  // namespace tessera
