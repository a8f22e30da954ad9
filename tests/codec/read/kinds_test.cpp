// SPDX-License-Identifier: Apache-2.0
// Kinds of images that were once read wrongly, called damaged, or read in part without a word. Inputs are
// made here, with samples known beforehand.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "codec/heif/av1_sequence.hpp"
#include "made_tiff.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

int scaled(const TiffKind& kind, int value) {
  return kind.bits >= 8 ? value : value * 255 / ((1 << kind.bits) - 1);
}

int sample_of(const Tile& tile, std::uint32_t x, std::uint32_t y, int s) {
  const bool alpha = s == tile.color.channels();
  const cv::Mat& plane = alpha ? tile.alpha : tile.color;
  const int at = static_cast<int>(x) * plane.channels() + (alpha ? 0 : s);
  return plane.depth() == CV_16U ? plane.ptr<std::uint16_t>(static_cast<int>(y))[at]
                                 : plane.ptr<std::uint8_t>(static_cast<int>(y))[at];
}

void expect_samples(const TiffKind& kind, const Bytes& file, const std::string& name) {
  const Tile tile = read_whole(*open_image(file));
  ASSERT_EQ(tile.color.channels() + (tile.alpha.empty() ? 0 : 1), kind.samples) << name;
  for (std::uint32_t y = 0; y < tiff_height; ++y) {
    for (std::uint32_t x = 0; x < tiff_width; ++x) {
      for (int s = 0; s < kind.samples; ++s) {
        const bool inverted = kind.photometric == PHOTOMETRIC_MINISWHITE && s + 1 < kind.samples;
        const int value = scaled(kind, sample_at(kind, x, y, s));
        const int most = kind.bits == 16 ? 65535 : 255;
        ASSERT_EQ(sample_of(tile, x, y, s), inverted ? most - value : value)
            << name << " x " << x << " y " << y << " sample " << s;
      }
    }
  }
}

TEST(TiffKinds, EveryDepthLayoutAndNumberOfSamplesReadsAsWritten) {
  for (const TiffKind& kind : tiff_kinds()) {
    expect_samples(kind, make_tiff({kind}), name_of(kind));
  }
}

TEST(TiffKinds, OtherByteOrdersAndWhiteAsZeroReadAsWritten) {
  const TiffKind wide{.samples = 4, .bits = 16, .planes = true, .compression = COMPRESSION_LZW};
  expect_samples(wide, make_tiff({wide}, "wb8"), "BigTIFF, big-endian");
  const TiffKind white{.samples = 2, .bits = 8, .photometric = PHOTOMETRIC_MINISWHITE};
  expect_samples(white, make_tiff({white}), "white is zero, with alpha");
}

TEST(TiffKinds, AssociatedAlphaIsDividedOutRounded) {
  for (const int bits : {8, 16}) {
    const TiffKind kind{.samples = 4, .bits = bits, .extra = EXTRASAMPLE_ASSOCALPHA};
    const Tile tile = read_whole(*open_image(make_tiff({kind})));
    const double most = bits == 8 ? 255 : 65535;
    for (std::uint32_t y = 0; y < tiff_height; ++y) {
      for (std::uint32_t x = 0; x < tiff_width; ++x) {
        const double alpha = sample_at(kind, x, y, 3);
        for (int s = 0; s < 3; ++s) {
          const double exact = alpha == 0 ? 0 : std::min(most, sample_at(kind, x, y, s) * most / alpha);
          ASSERT_NEAR(sample_of(tile, x, y, s), exact, 0.5) << bits << " bits at " << x << ", " << y;
        }
      }
    }
  }
}

TEST(TiffKinds, JpegTilesOfRgbWithAlphaAreRead) {
  const TiffKind kind{.samples = 4, .tiled = true, .compression = COMPRESSION_JPEG};
  const auto source = open_image(make_tiff({kind}));
  EXPECT_EQ(source->info().format, (PixelFormat{Depth::u8, 3, true}));
  static_cast<void>(read_whole(*source));
}

TEST(TiffKinds, ASampleOfUnknownMeaningIsRefusedWithAdvice) {
  for (const int samples : {2, 4}) {
    const TiffKind kind{
        .samples = samples,
        .photometric = static_cast<std::uint16_t>(samples == 4 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK),
        .extra = EXTRASAMPLE_UNSPECIFIED};
    const Refusal refusal = refusal_of(make_tiff({kind}));
    EXPECT_EQ(refusal.code, ErrorCode::unsupported_input);
    EXPECT_NE(refusal.sentence.find("infrared"), std::string::npos) << refusal.sentence;
    EXPECT_NE(refusal.sentence.find("gdal_translate"), std::string::npos) << refusal.sentence;
  }
}

TEST(TiffKinds, OtherPagesAreSpokenOf) {
  const TiffKind page;
  EXPECT_EQ(open_image(make_tiff({page}))->warnings(), std::vector<std::string>{});
  EXPECT_EQ(open_image(make_tiff({page, page, page}))->warnings(),
            std::vector<std::string>{"The file has 3 pages; only the first is used."});
  // Levels of a pyramid are no pages.
  EXPECT_EQ(open_image(make_tiff({page, {.subfile = FILETYPE_REDUCEDIMAGE}}))->warnings(),
            std::vector<std::string>{});
}

TEST(TiffKinds, APreviewInFrontIsPassedOver) {
  // Told apart by their samples.
  const TiffKind preview{
      .samples = 1, .photometric = PHOTOMETRIC_MINISBLACK, .subfile = FILETYPE_REDUCEDIMAGE};
  for (const char* mode : {"wl", "wb", "wl8"}) {
    const TiffKind picture{.compression = COMPRESSION_LZW};
    expect_samples(picture, make_tiff({preview, picture}, mode), mode);
  }
  // What libvips reads is the same page.
  const TiffKind wide{.samples = 1, .bits = 4, .photometric = PHOTOMETRIC_MINISBLACK};
  expect_samples(wide, make_tiff({preview, wide}), "through libvips");
}

TEST(TiffKinds, ARawPhotographIsRefusedByName) {
  const TemporaryFile file;
  TIFF* const tiff = TIFFOpen(file.path().c_str(), "wl");
  const std::array<std::uint8_t, 4> version{1, 4, 0, 0};
  TIFFSetField(tiff, TIFFTAG_DNGVERSION, version.data());
  write_page(tiff, {.subfile = FILETYPE_REDUCEDIMAGE});
  TIFFClose(tiff);
  const Refusal refusal = refusal_of(load_file(file.path()));
  EXPECT_EQ(refusal.code, ErrorCode::unsupported_input);
  EXPECT_NE(refusal.sentence.find("DNG"), std::string::npos) << refusal.sentence;
}

TEST(LabTiff, WhiteAndGrayStayWhatTheyAre) {
  for (const int bits : {8, 16}) {
    const TemporaryFile file;
    TIFF* const tiff = TIFFOpen(file.path().c_str(), "wl");
    const std::uint32_t levels = 3;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, levels);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CIELAB);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 1);
    // L* of 100, 53.3 and 0. By the formula, 53.3 is 127.2 of 255 in sRGB.
    if (bits == 8) {
      std::array<std::uint8_t, 9> row{255, 0, 0, 136, 0, 0, 0, 0, 0};
      TIFFWriteEncodedStrip(tiff, 0, row.data(), row.size());
    } else {
      std::array<std::uint16_t, 9> row{65535, 0, 0, 34952, 0, 0, 0, 0, 0};
      TIFFWriteEncodedStrip(tiff, 0, row.data(), sizeof row);
    }
    TIFFClose(tiff);
    const Tile tile = read_whole(*open_image(load_file(file.path())));
    const double scale = tile.color.depth() == CV_16U ? 257 : 1;
    for (int s = 0; s < 3; ++s) {
      EXPECT_NEAR(sample_of(tile, 0, 0, s) / scale, 255, 0.1) << bits;
      EXPECT_NEAR(sample_of(tile, 1, 0, s) / scale, 127.2, 1) << bits;
      EXPECT_EQ(sample_of(tile, 2, 0, s), 0) << bits;
    }
  }
}

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

/// A GIF of two colours, (200,100,50) and (1,2,3), whose only picture is `picture` on a canvas of 3x2.
Bytes gif(std::initializer_list<int> picture) {
  Bytes file = bytes_of({'G', 'I', 'F', '8', '9', 'a', 3, 0, 2, 0, 0x80, 0, 0, 200, 100, 50, 1, 2, 3});
  const Bytes rest = bytes_of(picture);
  file.insert(file.end(), rest.begin(), rest.end());
  file.push_back(std::byte{0x3B});
  return file;
}

TEST(Gif, WhatThePictureDoesNotCoverIsTransparent) {
  // 1x1 at (1, 1): clear, colour 0, end, in codes of 3 bits.
  const Tile tile = read_whole(*open_image(gif({0x2C, 1, 0, 1, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0})));
  ASSERT_FALSE(tile.alpha.empty());
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) {
      const bool covered = x == 1 && y == 1;
      EXPECT_EQ(tile.alpha.at<std::uint8_t>(y, x), covered ? 255 : 0);
      EXPECT_EQ(tile.color.at<cv::Vec3b>(y, x), covered ? cv::Vec3b(200, 100, 50) : cv::Vec3b(0, 0, 0));
    }
  }
}

TEST(Gif, APictureOutsideItsCanvasIsCut) {
  // 3x2 at (2, 1), of which one pixel is on the canvas.
  const Tile tile = read_whole(*open_image(gif({0x2C, 2, 0, 1, 0, 3, 0, 2, 0, 0, 2, 2, 0x8C, 0x0F, 0})));
  EXPECT_EQ(tile.color.at<cv::Vec3b>(1, 2), cv::Vec3b(1, 2, 3));
  EXPECT_EQ(tile.alpha.at<std::uint8_t>(0, 2), 0);
}

TEST(Gif, NoEndCodeIsNeeded) {
  // 3x2 of colour 1: clear, then 1, 6, 7 (one, two and three pixels), and nothing behind.
  const Tile tile = read_whole(*open_image(gif({0x2C, 0, 0, 0, 0, 3, 0, 2, 0, 0, 2, 2, 0x8C, 0x0F, 0})));
  EXPECT_TRUE(tile.alpha.empty());
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(tile.color.at<cv::Vec3b>(i / 3, i % 3), cv::Vec3b(1, 2, 3)) << i;
  }
}

TEST(Gif, TooFewPixelsAreDamage) {
  const Bytes file = gif({0x2C, 0, 0, 0, 0, 3, 0, 2, 0, 0, 2, 1, 0x4C, 0});
  EXPECT_EQ(refusal_of(file).code, ErrorCode::damaged_input);
}

TEST(Gif, AnAnimationIsSpokenOf) {
  const Bytes file = gif({0x2C, 0, 0, 0, 0,    3, 0, 2, 0, 0, 2, 2, 0x8C, 0x0F, 0, 0x21, 0xF9, 4,    0,
                          10,   0, 0, 0, 0x2C, 0, 0, 0, 0, 3, 0, 2, 0,    0,    2, 2,    0x8C, 0x0F, 0});
  EXPECT_EQ(open_image(file)->warnings(),
            std::vector<std::string>{"The file has 2 pictures (an animation); only the first is used."});
}

TEST(Bmp, PixelsSaidToBeginInThePaletteAreFound) {
  // 4 bits, 16 colours, of which 1 is (60, 50, 40); 2x1 pixels: 1 and 0.
  Bytes file = bytes_of(
      {'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0});
  file.resize(54 + 64, std::byte{0});
  file[58] = std::byte{40};
  file[59] = std::byte{50};
  file[60] = std::byte{60};
  const Bytes pixels = bytes_of({0x10, 0, 0, 0});
  file.insert(file.end(), pixels.begin(), pixels.end());
  const Tile tile = read_whole(*open_image(file));
  EXPECT_EQ(tile.color.at<cv::Vec3b>(0, 0), cv::Vec3b(60, 50, 40));
  EXPECT_EQ(tile.color.at<cv::Vec3b>(0, 1), cv::Vec3b(0, 0, 0));
}

std::size_t position_of(const Bytes& file, std::string_view text, std::size_t from = 0) {
  const std::string_view all(reinterpret_cast<const char*>(file.data()), file.size());
  return all.find(text, from);
}

TEST(Png, PixelDataInterruptedByAnotherChunkAreRefused) {
  Bytes file = load_file(data_file("rgb8.png"));
  // An empty tEXt chunk and an empty IDAT, with their checksums, in front of the end.
  const Bytes more = bytes_of({0, 0, 0, 0, 't', 'E', 'X', 't', 0xBF, 0xF1, 0xC9, 0xB5,
                               0, 0, 0, 0, 'I', 'D', 'A', 'T', 0x35, 0xAF, 0x06, 0x1E});
  const auto end = static_cast<std::ptrdiff_t>(position_of(file, "IEND")) - 4;
  file.insert(file.begin() + end, more.begin(), more.end());
  const Refusal refusal = refusal_of(file);
  EXPECT_EQ(refusal.code, ErrorCode::damaged_input);
  EXPECT_NE(refusal.sentence.find("behind another chunk"), std::string::npos) << refusal.sentence;
}

/// Against the gray picture that they were made of, at a quality that is near to lossless.
TEST(Avif, GrayOfTheRangeOfVideoIsWidened) {
  const Tile gray = read_whole(data_file("gray8.png"));
  for (const char* name : {"gray_limited.avif", "gray_limited_10bit.avif"}) {
    const Tile tile = read_whole(data_file(name));
    const double scale = tile.color.depth() == CV_16U ? 257 : 1;
    double sum = 0;
    double most = 0;
    for (int y = 0; y < gray.color.rows; ++y) {
      for (int x = 0; x < gray.color.cols; ++x) {
        const double error = std::abs(
            sample_of(tile, static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y), 0) / scale -
            gray.color.at<std::uint8_t>(y, x));
        sum += error;
        most = std::max(most, error);
      }
    }
    // Taken for the full range, black would be 16 and white 235.
    EXPECT_LT(sum / static_cast<double>(gray.color.total()), 2.5) << name;
  }
}

TEST(Avif, TheOrderOfPropertiesDoesNotMatter) {
  const Bytes file = load_file(data_file("turned.avif"));
  const Tile expected = read_whole(*open_image(file));
  // Of the only item, in another order: its turn comes first then, where it was last.
  const std::size_t box = position_of(file, "ipma");
  ASSERT_NE(box, std::string::npos);
  constexpr std::size_t to_count = 4 + 4 + 4 + 2;
  const auto count = static_cast<std::size_t>(file[box + to_count]);
  ASSERT_GE(count, 3U);
  Bytes other = file;
  const auto begin = other.begin() + static_cast<std::ptrdiff_t>(box + to_count + 1);
  std::rotate(begin, begin + static_cast<std::ptrdiff_t>(count) - 1,
              begin + static_cast<std::ptrdiff_t>(count));
  ASSERT_NE(other, file);
  EXPECT_EQ(difference(read_whole(*open_image(other)), expected), 0);
}

TEST(Avif, TheRangeIsInTheSequenceHeader) {
  EXPECT_EQ(av1_full_range({}), std::nullopt);
  // A reduced still picture header: profile 0, level 0, 4-bit sizes of 3x3, all tools off, then 8 bits, gray,
  // no colour description, and the range.
  const auto header = [](bool full) {
    std::string bits =
        "000"
        "1"
        "1"
        "00000"
        "0011"
        "0011"
        "0011"
        "0011"
        "000"
        "000"
        "0"
        "1"
        "0";
    bits += full ? "1" : "0";
    bits += "0000000";
    Bytes unit = bytes_of({0x0A, 0});
    for (std::size_t i = 0; i + 8 <= bits.size() + 7; i += 8) {
      unit.push_back(static_cast<std::byte>(std::stoi((bits + "00000000").substr(i, 8), nullptr, 2)));
    }
    unit[1] = static_cast<std::byte>(unit.size() - 2);
    return unit;
  };
  EXPECT_EQ(av1_full_range(header(true)), true);
  EXPECT_EQ(av1_full_range(header(false)), false);
}

TEST(Sniff, OldFormatsAreCalledByTheirNames) {
  const auto name = [](std::initializer_list<int> head) {
    Bytes bytes = bytes_of(head);
    bytes.resize(64, std::byte{0});
    return sniff(bytes).description;
  };
  EXPECT_EQ(name({0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 5, 0, 24, 0}), "a Targa image");
  EXPECT_EQ(name({0, 1, 9, 0, 0, 0, 1, 24, 0, 0, 0, 0, 5, 0, 5, 0, 8, 0x20}), "a Targa image");
  EXPECT_EQ(name({0, 0, 2, 0, 1, 0, 32, 32, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 22, 0, 0, 0}), "a Windows cursor");
  EXPECT_EQ(name({0, 0, 1, 0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0, 8, 0, 0, 0, 22, 0, 0, 0}), "a Windows icon");
  EXPECT_EQ(name({10, 5, 1, 8, 0, 0, 0, 0}), "a PCX image");
  EXPECT_EQ(name({0x01, 0xDA, 1, 1, 0, 3}), "an SGI image");
  EXPECT_EQ(name({'I', 'I', 0xBC, 1}), "a JPEG XR image");
  EXPECT_EQ(name({0, 0, 0, 0, 0, 0}), "something else");
}

TEST(Salvage, SaysWhichRowsAreMissing) {
  for (const char* file :
       {"rgb8.png", "rgba8_interlaced.png", "rgb8.jpg", "rgb8.ppm", "rgb8.gif", "cmyk_plain.jpg"}) {
    Bytes cut = load_file(data_file(file));
    EXPECT_EQ(open_image(cut, {.salvage = true})->warnings(), std::vector<std::string>{}) << file;
    cut.resize(cut.size() * 7 / 10);
    const auto source = open_image(cut, {.salvage = true});
    static_cast<void>(read_whole(*source));
    const std::vector<std::string> warnings = source->warnings();
    ASSERT_FALSE(warnings.empty()) << file;
    EXPECT_NE(warnings.front().find("ow"), std::string::npos) << warnings.front();
    EXPECT_NE(warnings.front().find("47"), std::string::npos) << warnings.front();
  }
}

TEST(Salvage, NamesTheRows) {
  // 61 pixels of 3 bytes a row, behind a header of 13 bytes.
  Bytes cut = load_file(data_file("rgb8.ppm"));
  cut.resize(cut.size() - 61 * 3 * 5 - 10);
  const auto source = open_image(cut, {.salvage = true});
  static_cast<void>(read_whole(*source));
  EXPECT_EQ(source->warnings(),
            std::vector<std::string>{"Rows 41 to 46 of 47 could not be read and are black."});
}

TEST(Salvage, OfNothingIsRefused) {
  const std::string_view advice = "salvage";
  Bytes png = load_file(data_file("rgb8.png"));
  const std::size_t data = position_of(png, "IDAT");
  // All of the first chunk of data.
  const auto bytes = static_cast<std::size_t>(png[data - 2]) << 8 | static_cast<std::size_t>(png[data - 1]);
  std::fill_n(png.begin() + static_cast<std::ptrdiff_t>(data) + 4, bytes, std::byte{0xFF});
  Bytes gif_file = load_file(data_file("rgb8.gif"));
  gif_file.resize(gif_file.size() / 2);
  for (std::size_t i = position_of(gif_file, std::string_view(",\0\0\0\0", 5)) + 11; i < gif_file.size();
       ++i) {
    gif_file[i] = std::byte{0xFF};
  }
  Bytes webp = load_file(data_file("rgb8_lossy.webp"));
  webp.resize(webp.size() / 2);
  Bytes avif = load_file(data_file("rgb8.avif"));
  avif.resize(avif.size() / 2);
  for (const Bytes& file : {png, gif_file, webp, avif}) {
    for (const bool salvage : {false, true}) {
      const Refusal refusal = refusal_of(Bytes(file), {.salvage = salvage});
      EXPECT_EQ(refusal.code, ErrorCode::damaged_input) << refusal.sentence;
      // Advice that does not help is not given.
      EXPECT_EQ(refusal.sentence.find(advice), std::string::npos) << refusal.sentence;
    }
  }
}

TEST(Salvage, IsAdvisedWhereItHelps) {
  Bytes cut = load_file(data_file("rgb8.png"));
  cut.resize(cut.size() * 7 / 10);
  EXPECT_NE(refusal_of(cut).sentence.find("salvage"), std::string::npos);
}

TEST(Sentences, AreInWordsForPeople) {
  for (const char* name : {"rgb8.webp", "rgb8_lossy.webp", "rgb8.avif", "rgb8.heic", "gray8_miniswhite.tif",
                           "rgb8_lzw.tif", "rgb8_jpeg.tif", "cmyk_plain.jpg", "rgb8.jpg"}) {
    if (!std::filesystem::exists(data_file(name))) {
      continue;
    }
    const Bytes whole = load_file(data_file(name));
    for (const double share : {0.2, 0.5, 0.9}) {
      Bytes part(whole.begin(),
                 whole.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(whole.size())));
      const std::string sentence = refusal_of(std::move(part)).sentence;
      for (const char* jargon :
           {"source_custom", "seek", "tiff2vips", "TIFF", "VipsJpeg", "heifload", ";", "_"}) {
        const bool name_of_format =
            std::string_view(jargon) == "TIFF" && std::string_view(name).ends_with("tif");
        if (!name_of_format) {
          EXPECT_EQ(sentence.find(jargon), std::string::npos) << name << ": " << sentence;
        }
      }
      EXPECT_LT(sentence.size(), 250U) << sentence;
    }
  }
}

}  // namespace
}  // namespace tessera::test
