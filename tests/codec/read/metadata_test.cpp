// SPDX-License-Identifier: Apache-2.0
// Orientation, profiles, EXIF and XMP.
#include <gtest/gtest.h>
#include <tiffio.h>
#include <unistd.h>

#include <opencv2/core.hpp>

#include "codec/metadata/exif.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

TEST(Orientation, AllEightLookAlike) {
  for (const std::string shape : {"Landscape", "Portrait"}) {
    const Tile upright = read_whole(case_file("exif/recurser/" + shape + "_1.jpg"));
    for (int orientation = 0; orientation <= 8; ++orientation) {
      const auto path = case_file("exif/recurser/" + shape + "_" + std::to_string(orientation) + ".jpg");
      const auto source = open_image(path);
      const Tile tile = read_whole(*source, 100);
      // Each is a JPEG of its own; wrongly turned, the mean is above 50.
      constexpr double tolerance = 6;
      EXPECT_GE(mean_difference(tile, upright), 0) << path;
      EXPECT_LE(mean_difference(tile, upright), tolerance) << path;
      EXPECT_EQ(exif_orientation(source->metadata().exif), 1) << path;
    }
  }
}

// A TIFF of 3 x 2 pixels with the values 0..5 and an orientation.
class TemporaryTiff {
 public:
  explicit TemporaryTiff(std::uint16_t orientation, std::uint16_t compression = COMPRESSION_NONE,
                         std::uint16_t planar = PLANARCONFIG_CONTIG, int samples = 1) {
    TIFF* file = TIFFOpen(path_.c_str(), "w");
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, 3);
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, 2);
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, samples == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
    TIFFSetField(file, TIFFTAG_PLANARCONFIG, planar);
    TIFFSetField(file, TIFFTAG_COMPRESSION, compression);
    TIFFSetField(file, TIFFTAG_ORIENTATION, orientation);
    for (int sample = 0; sample < (planar == PLANARCONFIG_SEPARATE ? samples : 1); ++sample) {
      for (int y = 0; y < 2; ++y) {
        std::array<std::uint8_t, 3> row{};
        for (int x = 0; x < 3; ++x) {
          row[static_cast<std::size_t>(x)] = static_cast<std::uint8_t>(100 * sample + 3 * y + x);
        }
        TIFFWriteScanline(file, row.data(), static_cast<std::uint32_t>(y),
                          static_cast<std::uint16_t>(sample));
      }
    }
    TIFFClose(file);
  }
  TemporaryTiff(const TemporaryTiff&) = delete;
  TemporaryTiff& operator=(const TemporaryTiff&) = delete;
  ~TemporaryTiff() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("tessera_orientation_" + std::to_string(::getpid()) + ".tif");
};

TEST(Orientation, EachOfEightIsExactInAnyStrips) {
  // What a viewer shows of 0 1 2 / 3 4 5, row by row.
  const std::vector<std::vector<int>> expected{{0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0},
                                               {3, 4, 5, 0, 1, 2}, {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2},
                                               {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (std::uint16_t orientation = 1; orientation <= 8; ++orientation) {
    const TemporaryTiff file(orientation);
    for (const std::int64_t strip_rows : {1, 2, 3}) {
      const auto source = open_image(file.path());
      EXPECT_EQ(source->info().extent, (orientation >= 5 ? Extent{2, 3} : Extent{3, 2}));
      EXPECT_EQ(source->random_access(), orientation <= 4);
      const Bytes bytes = interleave(read_whole(*source, strip_rows));
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(static_cast<int>(bytes[i]), expected[orientation - 1U][i]) << orientation << " at " << i;
      }
    }
  }
}

TEST(Orientation, HoldingTheImageIsLimited) {
  const TemporaryTiff file(6);
  const Refusal refusal = refusal_of(file.path(), {.limits = {.max_buffered_bytes = 5}});
  EXPECT_EQ(refusal.code, ErrorCode::limit_exceeded);
}

TEST(Tiff, SeparatePlanesAreJoined) {
  const TemporaryTiff file(1, COMPRESSION_LZW, PLANARCONFIG_SEPARATE, 3);
  const Tile tile = read_whole(file.path());
  EXPECT_EQ(tile.color.at<cv::Vec3b>(1, 2), cv::Vec3b(5, 105, 205));
}

TEST(Exif, ResolutionIsRead) {
  // Little-endian: X is 300/1, Y is 150/1, to the centimetre; the two fractions follow the directory.
  Bytes block;
  const auto add = [&block](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      block.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  };
  const auto entry = [&add](std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
    add(tag, 2);
    add(type, 2);
    add(1, 4);
    add(value, 4);
  };
  add(0x002A4949, 4);
  add(8, 4);
  add(3, 2);
  entry(0x011A, 5, 50);
  entry(0x011B, 5, 58);
  entry(0x0128, 3, 3);
  add(0, 4);
  for (const std::uint32_t value : {300U, 1U, 150U, 1U}) {
    add(value, 4);
  }
  EXPECT_EQ(exif_resolution(block), (Resolution{300, 150, Resolution::Unit::centimetre}));
  block.resize(block.size() - 8);
  EXPECT_FALSE(exif_resolution(block).known());
}

TEST(Metadata, ProfileAndExifAreKeptUnlessUnwanted) {
  const auto path = case_file("exif/recurser/Landscape_6.jpg");
  const auto source = open_image(path);
  const auto by_vips = open_by_vips(path, ImageFormat::jpeg);
  EXPECT_FALSE(source->metadata().exif.empty());
  EXPECT_EQ(source->metadata().icc, by_vips->metadata().icc);
  EXPECT_EQ(source->metadata().xmp, by_vips->metadata().xmp);
  EXPECT_TRUE(open_image(path, {.keep_metadata = false})->metadata().exif.empty());
}

TEST(Metadata, PngProfileIsThatOfLibvips) {
  int profiles = 0;
  for (const char* name :
       {"pngsuite/cm0n0g04.png", "pngsuite/cdun2c08.png", "photos/kodak/Transparency.png"}) {
    const auto source = open_image(case_file(name));
    const auto by_vips = open_by_vips(case_file(name), ImageFormat::png);
    EXPECT_EQ(source->metadata().icc, by_vips->metadata().icc) << name;
    ++profiles;
  }
  EXPECT_EQ(profiles, 3);
}

TEST(Metadata, ResolutionIsKept) {
  EXPECT_EQ(open_image(case_file("pngsuite/cdun2c08.png"))->metadata().resolution,
            (Resolution{1000, 1000, Resolution::Unit::metre}));
  // Pixels that are not square.
  EXPECT_EQ(open_image(case_file("pngsuite/cdfn2c08.png"))->metadata().resolution.unit,
            Resolution::Unit::ratio);
  // 72 to the inch.
  for (const char* name : {"exif/recurser/Landscape_1.jpg", "exif/recurser/Landscape_6.jpg"}) {
    const auto source = open_image(case_file(name));
    EXPECT_EQ(source->metadata().resolution, (Resolution{72, 72, Resolution::Unit::inch})) << name;
  }
}

TEST(Metadata, CmykLosesItsProfileWithItsInks) {
  EXPECT_TRUE(open_image(data_file("cmyk_plain.jpg"))->metadata().icc.empty());
  EXPECT_EQ(open_image(data_file("cmyk_plain.jpg"))->info().format, (PixelFormat{Depth::u8, 3, false}));
}

}  // namespace
}  // namespace tessera::test
