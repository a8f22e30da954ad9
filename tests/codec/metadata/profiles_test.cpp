// SPDX-License-Identifier: Apache-2.0
// ICC profiles that are made or converted, judged by LittleCMS.
#include <gtest/gtest.h>
#include <lcms2.h>

#include <array>
#include <memory>

#include "codec/metadata/icc.hpp"

namespace tessera::test {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using ProfilePtr = std::unique_ptr<void, CloseProfile>;

struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};

ProfilePtr opened(const Bytes& icc) {
  return ProfilePtr(cmsOpenProfileFromMem(icc.data(), static_cast<cmsUInt32Number>(icc.size())));
}

Bytes saved(const ProfilePtr& profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile.get(), nullptr, &size);
  Bytes bytes(size);
  cmsSaveProfileToMem(profile.get(), bytes.data(), &size);
  return bytes;
}

using Rgb = std::array<double, 3>;

// What a colour (gray: its first number) looks like, as sRGB levels 0..255.
Rgb shown(const Bytes& icc, const Rgb& color, bool gray) {
  const ProfilePtr from = opened(icc);
  const ProfilePtr to(cmsCreate_sRGBProfile());
  if (!from) {
    ADD_FAILURE() << "LittleCMS cannot read the profile";
    return {};
  }
  EXPECT_EQ(cmsGetColorSpace(from.get()), gray ? cmsSigGrayData : cmsSigRgbData);
  const std::unique_ptr<void, DeleteTransform> transform(
      cmsCreateTransform(from.get(), gray ? TYPE_GRAY_DBL : TYPE_RGB_DBL, to.get(), TYPE_RGB_DBL,
                         INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOOPTIMIZE));
  Rgb out{};
  cmsDoTransform(transform.get(), color.data(), out.data(), 1);
  for (double& value : out) {
    value *= 255;
  }
  return out;
}

void expect_near(const Rgb& a, const Rgb& b, double tolerance) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(a.at(i), b.at(i), tolerance) << i;
  }
}

const cmsCIExyY d65{0.3127, 0.3290, 1};
const cmsCIExyYTRIPLE adobe{{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
const cmsCIExyYTRIPLE p3{{0.68, 0.32, 1}, {0.265, 0.69, 1}, {0.15, 0.06, 1}};

ProfilePtr rgb_profile(const cmsCIExyYTRIPLE& primaries, cmsToneCurve* curve) {
  cmsToneCurve* curves[3] = {curve, curve, curve};
  ProfilePtr profile(cmsCreateRGBProfile(&d65, &primaries, curves));
  cmsFreeToneCurve(curve);
  return profile;
}

ProfilePtr rgb_with_gamma(double gamma) { return rgb_profile(adobe, cmsBuildGamma(nullptr, gamma)); }

TEST(Profiles, LinearGammaShowsHalfAs188) {
  ColorEncoding encoding;
  encoding.gamma = 100'000;
  expect_near(shown(profile_of(encoding, ProfileSpace::gray).icc, {0.5, 0, 0}, true), {187.5, 187.5, 187.5},
              0.3);
  expect_near(shown(profile_of(encoding, ProfileSpace::rgb).icc, {0.5, 0.5, 0.5}, false),
              {187.5, 187.5, 187.5}, 0.3);
}

TEST(Profiles, PrimariesAreThoseOfTheChunk) {
  ColorEncoding encoding;
  encoding.gamma = 45'455;
  encoding.chromaticities = {31'270, 32'900, 64'000, 33'000, 21'000, 71'000, 15'000, 6'000};
  const Bytes made = profile_of(encoding, ProfileSpace::rgb).icc;
  const Bytes expected = saved(rgb_with_gamma(1 / 0.45455));
  for (const Rgb& color : {Rgb{0.2, 0.3, 0.4}, Rgb{0.5, 0.45, 0.3}, Rgb{1, 1, 1}, Rgb{0, 0, 0}}) {
    expect_near(shown(made, color, false), shown(expected, color, false), 0.2);
  }
}

TEST(Profiles, CicpIsSaidInAProfileOrRefused) {
  ColorEncoding encoding;
  encoding.cicp = {12, 13, 0, 1};  // Display P3
  const std::array<double, 5> srgb{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
  const Bytes expected = saved(rgb_profile(p3, cmsBuildParametricToneCurve(nullptr, 4, srgb.data())));
  const Bytes made = profile_of(encoding, ProfileSpace::rgb).icc;
  for (const Rgb& color : {Rgb{0.5, 0.25, 0.25}, Rgb{0.02, 0.3, 0.1}}) {
    expect_near(shown(made, color, false), shown(expected, color, false), 0.2);
  }
  encoding.cicp = {1, 13, 0, 1};
  EXPECT_TRUE(profile_of(encoding, ProfileSpace::rgb).icc.empty());
  using Cicp = std::array<std::uint8_t, 4>;
  for (const Cicp& refused : {Cicp{9, 16, 0, 1}, Cicp{1, 13, 1, 1}, Cicp{1, 13, 0, 0}, Cicp{77, 13, 0, 1}}) {
    encoding.cicp = refused;
    EXPECT_FALSE(profile_of(encoding, ProfileSpace::rgb).refusal.empty());
  }
}

TEST(Profiles, WhatIsSrgbAlreadyNeedsNone) {
  ColorEncoding encoding;
  EXPECT_TRUE(profile_of(encoding, ProfileSpace::rgb).icc.empty());
  encoding.gamma = 45'455;
  encoding.chromaticities = {31'270, 32'900, 64'000, 33'000, 30'000, 60'000, 15'000, 6'000};
  EXPECT_TRUE(profile_of(encoding, ProfileSpace::rgb).icc.empty());
  encoding.gamma = 100'000;
  encoding.srgb_intent = 0;
  EXPECT_TRUE(profile_of(encoding, ProfileSpace::rgb).icc.empty());
}

TEST(Profiles, NonsenseIsRefused) {
  ColorEncoding encoding;
  encoding.gamma = 4'000'000'000;
  EXPECT_FALSE(profile_of(encoding, ProfileSpace::gray).refusal.empty());
  encoding.gamma = 100'000;
  encoding.chromaticities = {31'270, 0, 64'000, 33'000, 30'000, 60'000, 15'000, 6'000};
  EXPECT_FALSE(profile_of(encoding, ProfileSpace::rgb).refusal.empty());
  encoding.chromaticities = {30'000, 30'000, 30'000, 30'000, 30'000, 30'000, 30'000, 30'000};
  EXPECT_FALSE(profile_of(encoding, ProfileSpace::rgb).refusal.empty());
}

TEST(Profiles, NeutralsLookTheSameInTheOtherColourModel) {
  const Bytes rgb = saved(rgb_with_gamma(1.8));
  const Bytes gray = convert_profile(rgb, ProfileSpace::gray);
  const Bytes again = convert_profile(gray, ProfileSpace::rgb);
  for (const double level : {0.0, 0.2, 0.5, 0.9, 1.0}) {
    const Rgb expected = shown(rgb, {level, level, level}, false);
    expect_near(shown(gray, {level, 0, 0}, true), expected, 0.5);
    expect_near(shown(again, {level, level, level}, false), expected, 0.5);
  }
}

TEST(Profiles, WhatHasNoOneToneCurveIsNotConverted) {
  cmsToneCurve* const one = cmsBuildGamma(nullptr, 1.8);
  cmsToneCurve* const other = cmsBuildGamma(nullptr, 2.2);
  cmsToneCurve* curves[3] = {one, one, other};
  const ProfilePtr uneven(cmsCreateRGBProfile(&d65, &adobe, curves));
  EXPECT_TRUE(convert_profile(saved(uneven), ProfileSpace::gray).empty());
  const ProfilePtr lab_gray(cmsCreateGrayProfile(cmsD50_xyY(), one));
  cmsSetPCS(lab_gray.get(), cmsSigLabData);
  EXPECT_TRUE(convert_profile(saved(lab_gray), ProfileSpace::rgb).empty());
  cmsFreeToneCurve(one);
  cmsFreeToneCurve(other);
}

TEST(Profiles, SrgbIsKnownByItsNumbers) {
  EXPECT_TRUE(is_srgb(saved(ProfilePtr(cmsCreate_sRGBProfile()))));
  EXPECT_FALSE(is_srgb(saved(rgb_with_gamma(2.2))));
  EXPECT_FALSE(is_srgb({}));
}

TEST(Profiles, CutOnesAreNoneOrHarmless) {
  const Bytes whole = saved(rgb_with_gamma(1.8));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(profile_space(part).has_value(), size >= 132);
    static_cast<void>(convert_profile(part, ProfileSpace::gray));
    EXPECT_FALSE(is_srgb(part));
  }
}

}  // namespace
}  // namespace tessera::test
