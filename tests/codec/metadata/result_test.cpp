// SPDX-License-Identifier: Apache-2.0
// Metadata from file to file, as bytes of the results.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <tiffio.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "codec/metadata/exif.hpp"
#include "codec/metadata/exif_block.hpp"
#include "codec/metadata/for_result.hpp"
#include "codec/metadata/icc.hpp"
#include "codec/reader.hpp"
#include "codec/writer.hpp"

namespace tessera::test {
namespace {

namespace fs = std::filesystem;

constexpr FileFormat all_formats[] = {FileFormat::png, FileFormat::jpeg, FileFormat::tiff, FileFormat::webp};

fs::path sample(const std::string& name) { return fs::path(TESSERA_TEST_DATA_DIR) / "metadata" / name; }

class Results : public ::testing::Test {
 protected:
  Results() : folder_(fs::temp_directory_path() / fmt::format("tessera-metadata-{}", getpid())) {
    fs::create_directories(folder_);
  }
  ~Results() override { fs::remove_all(folder_); }

  // Black pixels of that size and format with those metadata.
  Metadata written(const Metadata& metadata, const ImageInfo& info, const WriteOptions& options) {
    file_ = folder_ / fmt::format("result.{}", format_extension(options.format));
    const auto sink = open_sink(file_, info, metadata, options);
    Tile image = Tile::allocate(Rect::whole(info.extent), info.format);
    image.color.setTo(cv::Scalar::all(0));
    if (info.format.alpha) {
      image.alpha.setTo(cv::Scalar::all(255));
    }
    for (std::int64_t y = 0; y < info.extent.height; y += sink->piece_rows()) {
      const std::int64_t end = std::min(info.extent.height, y + sink->piece_rows());
      sink->append(sink->encode(image.view(Rect::of_rows({y, end}, info.extent.width))));
    }
    sink->finish();
    warnings_ = sink->warnings();
    return open_image(file_)->metadata();
  }

  Metadata converted(const std::string& name, FileFormat format, Strip strip = Strip::nothing) {
    const auto source = open_image(sample(name));
    return written(source->metadata(), source->info(), {.format = format, .strip = strip});
  }

  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
  fs::path file_;
  std::vector<std::string> warnings_;
};

std::string text_tag(const Bytes& exif, std::uint16_t tag) {
  const auto block = parse_exif(exif);
  const ExifTag* found = block ? find_tag(block->main, tag) : nullptr;
  return found == nullptr ? "" : std::string(reinterpret_cast<const char*>(found->value.data()));
}

TEST_F(Results, TheThumbnailIsInNoFormatAndDimensionsAreTheResults) {
  const auto source = open_image(sample("thumb.jpg"));
  for (const FileFormat format : all_formats) {
    const Metadata result =
        written(source->metadata(), {{50, 60}, source->info().format}, {.format = format});
    const auto block = parse_exif(result.exif);
    ASSERT_TRUE(block) << format_extension(format);
    EXPECT_EQ(whole_number(*block, find_tag(block->camera, exif_tag::pixel_width)), 50U);
    // The thumbnail is a JPEG in a file that begins as one at most once.
    std::size_t pictures = 0;
    const std::string all = bytes();
    for (std::size_t at = all.find("\xFF\xD8\xFF"); at != std::string::npos;
         at = all.find("\xFF\xD8\xFF", at + 1)) {
      ++pictures;
    }
    EXPECT_EQ(pictures, format == FileFormat::jpeg ? 1U : 0U);
  }
}

TEST_F(Results, CameraTagsGoIntoTiffAndOutOfIt) {
  for (const FileFormat format : all_formats) {
    const Metadata result = converted("orient6.tif", format);
    EXPECT_FALSE(text_tag(result.exif, 0x013B).empty()) << format_extension(format);
    EXPECT_FALSE(text_tag(result.exif, 0x8298).empty()) << format_extension(format);
    EXPECT_EQ(exif_orientation(result.exif), 1);
  }
  const auto source = open_image(sample("thumb.jpg"));
  const Metadata tiff = converted("thumb.jpg", FileFormat::tiff);
  const auto before = parse_exif(source->metadata().exif);
  const auto after = parse_exif(tiff.exif);
  ASSERT_TRUE(before && after);
  ASSERT_FALSE(before->camera.empty());
  EXPECT_EQ(after->camera.size(), before->camera.size());
  // libtiff finds the directory and knows its tags.
  TIFF* const file = TIFFOpen(file_.c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::uint64_t at = 0;
  EXPECT_EQ(TIFFGetField(file, TIFFTAG_EXIFIFD, &at), 1);
  EXPECT_EQ(TIFFReadEXIFDirectory(file, at), 1);
  std::uint32_t width = 0;
  EXPECT_EQ(TIFFGetField(file, EXIFTAG_PIXELXDIMENSION, &width), 1);
  EXPECT_EQ(width, static_cast<std::uint32_t>(source->info().extent.width));
  TIFFClose(file);
}

TEST_F(Results, AProfileFitsTheResultOrIsNotThere) {
  const Metadata rgb = open_image(sample("rgb_icc.png"))->metadata();
  const Metadata gray = open_image(sample("gray_icc.jpg"))->metadata();
  ASSERT_EQ(profile_space(rgb.icc), ProfileSpace::rgb);
  ASSERT_EQ(profile_space(gray.icc), ProfileSpace::gray);
  for (const FileFormat format : all_formats) {
    for (const int channels : {1, 3}) {
      const bool gray_pixels = channels == 1 && format != FileFormat::webp;
      const ProfileSpace fitting = gray_pixels ? ProfileSpace::gray : ProfileSpace::rgb;
      for (const Metadata* source : {&rgb, &gray}) {
        const Metadata result = written(*source, {{4, 4}, {Depth::u8, channels, false}}, {.format = format});
        const bool fits = profile_space(source->icc) == fitting;
        EXPECT_EQ(result.icc == source->icc, fits) << format_extension(format) << " " << channels;
        EXPECT_EQ(warnings_.empty(), fits) << format_extension(format) << " " << channels;
        if (!result.icc.empty()) {
          EXPECT_EQ(profile_space(result.icc), fitting) << format_extension(format) << " " << channels;
        }
      }
    }
  }
}

TEST_F(Results, WhatAPngSaysOfItsColoursIsKept) {
  for (const char* name : {"gamma10_16bit.png", "gamma_chrm_srgb.png"}) {
    const Metadata source = open_image(sample(name))->metadata();
    ASSERT_NE(source.encoding.gamma, 0U) << name;
    EXPECT_EQ(converted(name, FileFormat::png).encoding, source.encoding) << name;
    for (const FileFormat format : {FileFormat::jpeg, FileFormat::tiff, FileFormat::webp}) {
      EXPECT_FALSE(converted(name, format).icc.empty()) << name << " " << format_extension(format);
    }
  }
}

TEST_F(Results, ResolutionIsExactInEveryFormat) {
  using Unit = Resolution::Unit;
  const ImageInfo info{{4, 4}, {}};
  const std::vector<Resolution> resolutions{{72, 72, Unit::inch},
                                            {96, 96, Unit::inch},
                                            {204, 98, Unit::inch},
                                            {600, 300, Unit::inch},
                                            {100'000, 100'000, Unit::centimetre},
                                            {11'811, 2'835, Unit::metre},
                                            {2, 1, Unit::ratio},
                                            {300.5, 72.25, Unit::inch},
                                            {0.4, 0.4, Unit::centimetre}};
  for (const Resolution& resolution : resolutions) {
    for (const FileFormat format : all_formats) {
      Metadata metadata;
      metadata.resolution = resolution;
      const Metadata result = written(metadata, info, {.format = format});
      const auto millimetres = [](const Resolution& r) {
        return r.unit == Unit::inch         ? 25.4
               : r.unit == Unit::centimetre ? 10
               : r.unit == Unit::metre      ? 1000
                                            : 1.0;
      };
      const double x = resolution.x / millimetres(resolution);
      const double y = resolution.y / millimetres(resolution);
      // JFIF has whole numbers, and says more in EXIF where they are not near enough; PNG counts to the
      // metre.
      const bool in_exif = format == FileFormat::jpeg && !jfif_density(resolution).exact;
      const Resolution got = in_exif ? exif_resolution(result.exif) : result.resolution;
      const double tolerance = format == FileFormat::png ? 0.0006 : x * 0.001;
      EXPECT_NEAR(got.x / millimetres(got), x, tolerance) << format_extension(format);
      EXPECT_NEAR(got.y / millimetres(got), y, tolerance) << format_extension(format);
      EXPECT_EQ(got.unit == Unit::ratio, resolution.unit == Unit::ratio) << format_extension(format);
      EXPECT_TRUE(warnings_.empty());
    }
  }
}

TEST_F(Results, JpegKeepsItsUnit) {
  for (const auto& [name, dots] : {std::pair{"dpi72.jpg", 72}, std::pair{"dpi600.jpg", 600}}) {
    const Metadata result = converted(name, FileFormat::jpeg);
    EXPECT_EQ(result.resolution, (Resolution{static_cast<double>(dots), static_cast<double>(dots)})) << name;
    const std::string jfif = bytes().substr(2, 18);
    EXPECT_EQ(static_cast<int>(jfif[11]), 1) << name;
  }
  // 100 000 dots a centimetre: JFIF holds 65 535 at most.
  static_cast<void>(converted("microscope.tif", FileFormat::jpeg));
  const std::string jfif = bytes().substr(2, 18);
  EXPECT_EQ(jfif.substr(11, 5), std::string("\0\0\1\0\1", 5));
}

TEST_F(Results, OrientationAsLongTurnsThePicture) {
  const auto source = open_image(sample("orient6_long.jpg"));
  EXPECT_EQ(source->info().extent, (Extent{24, 40}));
  EXPECT_EQ(exif_orientation(source->metadata().exif), 1);
}

TEST_F(Results, IptcIsKeptWhereTheFormatHoldsItAndSaidWhereNot) {
  Metadata metadata;
  for (const char one : {'\x1C', '\2', '\31', '\0', '\7', 'm', 'a', 'g', 'e', 'n', 't', 'a'}) {
    metadata.iptc.push_back(static_cast<std::byte>(one));
  }
  for (const FileFormat format : all_formats) {
    const Metadata result = written(metadata, {{4, 4}, {}}, {.format = format});
    const bool holds = format != FileFormat::webp;
    EXPECT_EQ(result.iptc == metadata.iptc, holds) << format_extension(format);
    EXPECT_EQ(warnings_.size(), holds ? 0U : 1U) << format_extension(format);
  }
}

TEST_F(Results, StripLeavesColoursRight) {
  ColorEncoding linear;
  linear.gamma = 100'000;
  Metadata source;
  source.icc = profile_of(linear, ProfileSpace::rgb).icc;
  ASSERT_FALSE(source.icc.empty());
  for (const FileFormat format : all_formats) {
    EXPECT_EQ(written(source, {{4, 4}, {}}, {.format = format, .strip = Strip::all}).icc, source.icc)
        << format_extension(format);
    EXPECT_TRUE(converted("rgb_icc.png", format, Strip::all).icc.empty()) << "sRGB needs none";
    const Metadata photograph = converted("thumb.jpg", format, Strip::all);
    EXPECT_TRUE(photograph.exif.empty() && photograph.xmp.empty()) << format_extension(format);
    EXPECT_TRUE(warnings_.empty()) << format_extension(format);
  }
}

TEST_F(Results, ExifTooLongForJpegLosesItsMakerNoteFirst) {
  ExifBlock block;
  set_short(block, block.camera, 0xA001, 1);
  block.camera.push_back({exif_tag::maker_note, 7, 70'000, Bytes(70'000, std::byte{1})});
  Metadata metadata;
  metadata.exif = serialize_exif(block);
  const auto has = [](const Metadata& result, std::uint16_t tag) {
    const auto parsed = parse_exif(result.exif);
    return parsed && find_tag(parsed->camera, tag) != nullptr;
  };
  for (const FileFormat format : all_formats) {
    const Metadata result = written(metadata, {{4, 4}, {}}, {.format = format});
    const bool jpeg = format == FileFormat::jpeg;
    EXPECT_TRUE(has(result, 0xA001)) << format_extension(format);
    EXPECT_EQ(has(result, exif_tag::maker_note), !jpeg) << format_extension(format);
    EXPECT_EQ(warnings_.size(), jpeg ? 1U : 0U) << format_extension(format);
  }
  block.camera.push_back({0x9286, 7, 70'000, Bytes(70'000, std::byte{1})});
  metadata.exif = serialize_exif(block);
  EXPECT_TRUE(written(metadata, {{4, 4}, {}}, {.format = FileFormat::jpeg}).exif.empty());
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_.front().find("EXIF was left out"), std::string::npos) << warnings_.front();
}

TEST_F(Results, ADamagedProfileIsSaid) {
  Metadata metadata;
  metadata.icc = Bytes(200, std::byte{1});
  EXPECT_TRUE(written(metadata, {{4, 4}, {}}, {.format = FileFormat::png}).icc.empty());
  EXPECT_EQ(warnings_.size(), 1U);
}

}  // namespace
}  // namespace tessera::test
