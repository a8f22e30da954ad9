// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/for_result.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "codec/metadata/exif.hpp"
#include "codec/metadata/icc.hpp"
#include "codec/metadata/iptc.hpp"
#include "codec/metadata/xmp.hpp"

namespace tessera {
namespace {

constexpr double millimetres_per_inch = 25.4;

class Adapter {
 public:
  Adapter(Metadata source, const ImageInfo& result, const WriteOptions& options)
      : metadata_(std::move(source)), result_(result), options_(options) {}

  ResultMetadata run() {
    strip();
    colors();
    resolution();
    if (format_info(options_.format).folder) {
      leave_out_texts();
    } else {
      exif();
      xmp();
      iptc();
    }
    return {std::move(metadata_), std::move(warnings_)};
  }

 private:
  [[nodiscard]] std::string_view format_name() const { return format_info(options_.format).name; }

  template <class... Args>
  void warn(fmt::format_string<Args...> sentence, Args&&... args) {
    warnings_.push_back(fmt::format(sentence, std::forward<Args>(args)...));
  }

  void strip() {
    if (options_.strip == Strip::all) {
      metadata_.exif.clear();
      metadata_.xmp.clear();
      metadata_.iptc.clear();
      if (is_srgb(metadata_.icc)) {
        metadata_.icc.clear();
        metadata_.encoding = {};
      }
    } else if (options_.strip == Strip::location) {
      metadata_.exif = exif_without_location(metadata_.exif);
      if (!metadata_.xmp.empty()) {
        change_xmp(xmp_without_location(metadata_.xmp));
      }
      if (!metadata_.iptc.empty()) {
        metadata_.iptc = iptc_without_location(metadata_.iptc);
        if (metadata_.iptc.empty()) {
          warn("The IPTC block was left out as a whole: places in it could not be told from the rest.");
        }
      }
    }
  }

  void change_xmp(std::optional<Bytes> changed) {
    if (!changed) {
      warn(
          "The XMP packet was left out: it is not well-formed XML, so what it says of the original could not "
          "be updated.");
    }
    metadata_.xmp = changed ? std::move(*changed) : Bytes();
  }

  [[nodiscard]] ProfileSpace space() const {
    // WebP has no gray: the pixels are written as RGB.
    const bool gray = result_.format.channels == 1 && options_.format != FileFormat::webp;
    return gray ? ProfileSpace::gray : ProfileSpace::rgb;
  }

  void colors() {
    if (!metadata_.icc.empty()) {
      profile();
    } else if (options_.format != FileFormat::png) {
      encoding();
    }
    if (options_.format == FileFormat::ome_zarr && !metadata_.icc.empty()) {
      if (!is_srgb(metadata_.icc)) {
        warn("The colour profile was left out: {} cannot hold it. Colours may look different.",
             format_name());
      }
      metadata_.icc.clear();
    }
  }

  /// Formats that are folders of tiles have no place for what is said of the whole picture in other terms.
  void leave_out_texts() {
    std::vector<std::string_view> left_out;
    for (auto [block, name] : {std::pair{&metadata_.exif, "EXIF"}, std::pair{&metadata_.xmp, "XMP"},
                               std::pair{&metadata_.iptc, "IPTC"}}) {
      if (!block->empty()) {
        left_out.emplace_back(name);
        block->clear();
      }
    }
    if (!left_out.empty()) {
      warn("Metadata were left out: {} cannot hold {}.", format_name(), fmt::join(left_out, ", "));
    }
  }

  void profile() {
    const auto has = profile_space(metadata_.icc);
    if (!has) {
      warn("The colour profile was left out: it is damaged.");
      metadata_.icc.clear();
      return;
    }
    if (*has == space()) {
      return;
    }
    if (*has == ProfileSpace::other) {
      warn("The colour profile was left out: it is neither for gray nor for RGB.");
      metadata_.icc.clear();
      return;
    }
    const bool to_gray = space() == ProfileSpace::gray;
    const std::string_view from = to_gray ? "RGB" : "gray";
    const std::string_view to = to_gray ? "gray" : "RGB";
    // Without a profile it means the same.
    const bool plain = is_srgb(metadata_.icc);
    metadata_.icc = plain ? Bytes() : convert_profile(metadata_.icc, space());
    if (plain) {
      warn(
          "The sRGB colour profile was left out: it is for {} and the result is {}, which has the same tones "
          "without one.",
          from, to);
    } else if (metadata_.icc.empty()) {
      warn(
          "The colour profile was left out: it is for {} and the result is {}, and it cannot be converted "
          "exactly. Tones may look different.",
          from, to);
    } else {
      warn(
          "The colour profile is for {} and the result is {}: a {} profile with the same tone curve took its "
          "place.",
          from, to, to);
    }
  }

  void encoding() {
    MadeProfile made = profile_of(metadata_.encoding, space());
    if (!made.refusal.empty()) {
      warn("What the PNG says of its colours was left out, and they may look different: {}.", made.refusal);
    }
    metadata_.icc = std::move(made.icc);
  }

  void resolution() {
    Resolution& resolution = metadata_.resolution;
    if (!resolution.known()) {
      resolution = {};
      return;
    }
    if (resolution.unit == Resolution::Unit::ratio && resolution.x == resolution.y) {
      resolution = {};
      return;
    }
    constexpr double png_most = 2147483647.0;
    const double per_metre = 1000 / unit_millimetres(resolution.unit);
    const double most =
        std::max(resolution.x, resolution.y) * (resolution.unit == Resolution::Unit::ratio ? 1 : per_metre);
    if (options_.format == FileFormat::png && most > png_most) {
      warn("The resolution was left out: PNG holds at most {:.0f} pixels a metre, and it is {:.0f}.",
           png_most, most);
      resolution = {};
    }
  }

  void exif() {
    // What its own field cannot say exactly is said in EXIF.
    const bool elsewhere = options_.format == FileFormat::webp ||
                           (options_.format == FileFormat::jpeg && !jfif_density(metadata_.resolution).exact);
    metadata_.exif = exif_of_result(metadata_.exif, result_.extent, metadata_.resolution,
                                    elsewhere && options_.strip != Strip::all);
    if (options_.format != FileFormat::jpeg || metadata_.exif.size() <= jpeg_max_exif_bytes) {
      return;
    }
    const std::size_t before = metadata_.exif.size();
    metadata_.exif = exif_without_maker_note(metadata_.exif);
    if (metadata_.exif.size() <= jpeg_max_exif_bytes) {
      warn("The maker note was left out of EXIF: JPEG holds at most {} bytes of EXIF, and there are {}.",
           jpeg_max_exif_bytes, before);
      return;
    }
    warn("EXIF was left out: JPEG holds at most {} bytes of it, and there are {}.", jpeg_max_exif_bytes,
         metadata_.exif.size());
    metadata_.exif.clear();
  }

  void xmp() {
    if (metadata_.xmp.empty()) {
      return;
    }
    change_xmp(xmp_of_result(metadata_.xmp, result_.extent));
    if (options_.format == FileFormat::jpeg && metadata_.xmp.size() > jpeg_max_xmp_bytes) {
      warn("XMP was left out: JPEG holds at most {} bytes of it, and there are {}.", jpeg_max_xmp_bytes,
           metadata_.xmp.size());
      metadata_.xmp.clear();
    }
  }

  void iptc() {
    if (metadata_.iptc.empty()) {
      return;
    }
    const bool too_long =
        options_.format == FileFormat::jpeg && metadata_.iptc.size() + 16 > jpeg_max_photoshop_bytes;
    if (options_.format == FileFormat::webp || too_long) {
      warn("The IPTC block of {} bytes was left out: {} cannot hold it.", metadata_.iptc.size(),
           format_name());
      metadata_.iptc.clear();
    }
  }

  Metadata metadata_;
  ImageInfo result_;
  const WriteOptions& options_;
  std::vector<std::string> warnings_;
};

bool near_whole(double value) {
  constexpr double tolerance = 1e-3;
  return std::abs(std::round(value) - value) <= tolerance * value;
}

}  // namespace

double unit_millimetres(Resolution::Unit unit) {
  switch (unit) {
    case Resolution::Unit::inch:
      return millimetres_per_inch;
    case Resolution::Unit::centimetre:
      return 10;
    case Resolution::Unit::metre:
      return 1000;
    case Resolution::Unit::ratio:
      break;
  }
  return 1;
}

ResultMetadata metadata_for_result(Metadata source, const ImageInfo& result, const WriteOptions& options) {
  return Adapter(std::move(source), result, options).run();
}

JfifDensity jfif_density(const Resolution& resolution) {
  if (!resolution.known()) {
    return {};
  }
  constexpr double most = 65535;
  struct Attempt {
    std::uint8_t unit;
    double scale;
  };
  const double millimetres = unit_millimetres(resolution.unit);
  std::vector<Attempt> attempts{{1, millimetres_per_inch / millimetres}, {2, 10 / millimetres}};
  if (resolution.unit == Resolution::Unit::ratio) {
    attempts = {{0, 1}};
  } else if (resolution.unit == Resolution::Unit::centimetre) {
    std::swap(attempts[0], attempts[1]);
  }
  JfifDensity density{.exact = false};
  for (const Attempt& attempt : attempts) {
    const double x = resolution.x * attempt.scale;
    const double y = resolution.y * attempt.scale;
    const double rounded_x = std::round(x);
    const double rounded_y = std::round(y);
    if (rounded_x < 1 || rounded_y < 1 || rounded_x > most || rounded_y > most) {
      continue;
    }
    const bool exact = near_whole(x) && near_whole(y);
    if (exact || density.unit == 0) {
      density = {attempt.unit, static_cast<std::uint16_t>(rounded_x), static_cast<std::uint16_t>(rounded_y),
                 exact};
    }
    if (exact) {
      break;
    }
  }
  return density;
}

}  // namespace tessera
