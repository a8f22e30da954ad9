// SPDX-License-Identifier: Apache-2.0
// Every format and kind, against the same picture stored as PNG or decoded by libvips.
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "support.hpp"

namespace tessera::test {
namespace {

Tile reference(const std::string& name) {
  return read_whole(*open_by_vips(data_file(name), ImageFormat::png));
}

struct Lossless {
  const char* file;
  const char* same_as;
  bool random_access;
};

class LosslessFile : public testing::TestWithParam<Lossless> {};

TEST_P(LosslessFile, ReadsAsThePngOfTheSamePicture) {
  const auto source = open_image(data_file(GetParam().file));
  EXPECT_EQ(source->random_access(), GetParam().random_access);
  EXPECT_EQ(difference(read_whole(*source), reference(GetParam().same_as)), 0);
}

TEST_P(LosslessFile, ReadsTheSameInOneStripOrRowByRowOrFromMemory) {
  const Tile expected = read_whole(data_file(GetParam().file));
  for (const std::int64_t strip_rows : {1, 47}) {
    const auto source = open_image(load_file(data_file(GetParam().file)));
    EXPECT_EQ(difference(read_whole(*source, strip_rows), expected), 0) << strip_rows;
  }
}

TEST_P(LosslessFile, RandomAccessGivesAnyRowsInAnyOrder) {
  const auto source = open_image(data_file(GetParam().file));
  if (!source->random_access()) {
    return;
  }
  const Tile expected = read_whole(data_file(GetParam().file));
  for (const Interval rows :
       {Interval{40, 47}, Interval{3, 9}, Interval{0, 47}, Interval{46, 47}, Interval{20, 20}}) {
    Tile part = Tile::allocate(Rect::of_rows(rows, source->info().extent.width), source->info().format);
    source->read_rows(part);
    if (!rows.empty()) {
      EXPECT_EQ(difference(part, expected.view(part.rect)), 0) << rows.begin;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, LosslessFile,
    testing::Values(
        Lossless{"rgb8.png", "rgb8.png", false}, Lossless{"gray8.png", "gray8.png", false},
        Lossless{"rgb16.png", "rgb16.png", false}, Lossless{"gray16.png", "gray16.png", false},
        Lossless{"rgba8.png", "rgba8.png", false}, Lossless{"gray_alpha8.png", "gray_alpha8.png", false},
        Lossless{"rgba8_interlaced.png", "rgba8.png", false}, Lossless{"rgb8_none.tif", "rgb8.png", true},
        Lossless{"rgb8_lzw.tif", "rgb8.png", true}, Lossless{"rgb8_lzw_no_predictor.tif", "rgb8.png", true},
        Lossless{"rgb8_deflate.tif", "rgb8.png", true}, Lossless{"rgb8_packbits.tif", "rgb8.png", true},
        Lossless{"rgb8_zstd.tif", "rgb8.png", true}, Lossless{"rgb8_tiled.tif", "rgb8.png", true},
        Lossless{"rgb8_tiled_pyramid.tif", "rgb8.png", true}, Lossless{"rgb16_none.tif", "rgb16.png", true},
        Lossless{"rgb16_deflate_predictor.tif", "rgb16.png", true},
        Lossless{"gray16_none_bigtiff.tif", "gray16.png", true}, Lossless{"rgba8_lzw.tif", "rgba8.png", true},
        Lossless{"gray8_miniswhite.tif", "gray8.png", false},
        Lossless{"rgba8_lossless.webp", "rgba8.png", false}, Lossless{"rgb8.ppm", "rgb8.png", true},
        Lossless{"rgb8_plain.ppm", "rgb8.png", false}, Lossless{"gray16.pgm", "gray16.png", true}),
    [](const auto& test) {
      std::string name = test.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

struct Lossy {
  const char* file;
  const char* like;
  double mean_error;  ///< for a picture saved with that quality; wrong colours or rows are far beyond
};

class LossyFile : public testing::TestWithParam<Lossy> {};

TEST_P(LossyFile, LooksLikeThePngOfTheSamePicture) {
  const double error = mean_difference(read_whole(data_file(GetParam().file)), reference(GetParam().like));
  EXPECT_GE(error, 0) << "other size or format";
  EXPECT_LE(error, GetParam().mean_error);
}

INSTANTIATE_TEST_SUITE_P(
    Formats, LossyFile,
    testing::Values(Lossy{"rgb8.jpg", "rgb8.png", 6}, Lossy{"rgb8_progressive.jpg", "rgb8.png", 6},
                    Lossy{"rgb8_444_restart.jpg", "rgb8.png", 4}, Lossy{"gray8.jpg", "gray8.png", 4},
                    Lossy{"rgb8.avif", "rgb8.png", 3}, Lossy{"rgb16_12bit.avif", "rgb16.png", 6 * 257},
                    Lossy{"rgb16_10bit.heic", "rgb16.png", 6 * 257}, Lossy{"rgb8.heic", "rgb8.png", 6},
                    Lossy{"rgb8_lossy.webp", "rgb8.png", 12}, Lossy{"rgb8.gif", "rgb8.png", 6},
                    Lossy{"rgb8_jpeg.tif", "rgb8.png", 6}, Lossy{"gray_4bit.tif", "gray8.png", 9},
                    Lossy{"cmyk_plain.jpg", "rgb8.png", 20}, Lossy{"cmyk_plain.tif", "rgb8.png", 20},
                    Lossy{"lab8.tif", "rgb8.png", 3}),
    [](const auto& test) {
      std::string name = test.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

TEST(Jpeg, NativePixelsAreThoseOfLibvips) {
  for (const char* name : {"rgb8.jpg", "rgb8_progressive.jpg", "rgb8_444_restart.jpg", "gray8.jpg"}) {
    EXPECT_EQ(difference(read_whole(data_file(name)),
                         read_whole(*open_by_vips(data_file(name), ImageFormat::jpeg))),
              0)
        << name;
  }
}

TEST(Tiff, NativePixelsAreThoseOfLibvips) {
  for (const char* name :
       {"rgb8_none.tif", "rgb8_tiled.tif", "rgb16_deflate_predictor.tif", "rgba8_lzw.tif"}) {
    EXPECT_EQ(difference(read_whole(data_file(name)),
                         read_whole(*open_by_vips(data_file(name), ImageFormat::tiff))),
              0)
        << name;
  }
}

TEST(Bilevel, IsBlackWhereTheGrayIsDark) {
  const Tile gray = reference("gray8.png");
  for (const char* name : {"gray_1bit.tif", "gray_1bit.pbm"}) {
    const Tile bits = read_whole(data_file(name));
    int agreeing = 0;
    for (int y = 0; y < 47; ++y) {
      for (int x = 0; x < 61; ++x) {
        const int value = bits.color.at<std::uint8_t>(y, x);
        ASSERT_TRUE(value == 0 || value == 255) << name;
        agreeing += (value == 255) == (gray.color.at<std::uint8_t>(y, x) >= 128) ? 1 : 0;
      }
    }
    // The two savers round differently at the threshold.
    EXPECT_GE(agreeing, 61 * 47 * 9 / 10) << name;
  }
}

TEST(Tiff, FloatingPointIsRefusedByName) {
  const Refusal refusal = refusal_of(data_file("rgb_float.tif"));
  EXPECT_EQ(refusal.code, ErrorCode::unsupported_input);
  EXPECT_NE(refusal.sentence.find("floating-point"), std::string::npos) << refusal.sentence;
}

Bytes text(std::string_view content) {
  const auto* begin = reinterpret_cast<const std::byte*>(content.data());
  return {begin, begin + content.size()};
}

std::vector<int> samples(const Tile& tile) {
  const Bytes bytes = interleave(tile);
  std::vector<int> values;
  for (std::size_t i = 0; i < bytes.size(); i += tile.color.elemSize1()) {
    values.push_back(static_cast<int>(bytes[i]) +
                     (tile.color.depth() == CV_16U ? static_cast<int>(bytes[i + 1]) * 256 : 0));
  }
  return values;
}

TEST(Pnm, EveryKindByHand) {
  const auto read = [](std::string_view content) { return samples(read_whole(*open_image(text(content)))); };
  EXPECT_EQ(read("P1\n# a comment\n3 2\n010 1 1 0"), (std::vector{255, 0, 255, 0, 0, 255}));
  EXPECT_EQ(read("P2 2 1 100\n0 100"), (std::vector{0, 255}));
  EXPECT_EQ(read("P2 2 1 1000\n500 1000\n"), (std::vector{32768, 65535}));
  EXPECT_EQ(read("P3 1 1 255 1 2 3"), (std::vector{1, 2, 3}));
  EXPECT_EQ(read("P4 10 1\n\xA0\x40"), (std::vector{0, 255, 0, 255, 255, 255, 255, 255, 255, 0}));
  EXPECT_EQ(read("P5 2 1 255\nAB"), (std::vector{65, 66}));
  EXPECT_EQ(read("P5#x\n1 2 65535\n\x01\x02\x03\x04"), (std::vector{0x0102, 0x0304}));
  EXPECT_EQ(read("P6 1 1 51\n\x01\x02\x33"), (std::vector{5, 10, 255}));
}

TEST(Pnm, NonsenseIsRefused) {
  for (const char* content : {"P5 2 2 255\nABC", "P2 2 1 100\n0 101", "P5 0 1 255\n", "P5 1 1 0\nA",
                              "P5 1 1 70000\nA", "P2 2 1 255\n7", "P3 1 1 255 1 2 x", "P5 1", "P6"}) {
    EXPECT_NE(refusal_of(text(content)).sentence, "") << content;
  }
}

class BmpBuilder {
 public:
  BmpBuilder(int width, int height, int bits, int compression = 0) {
    for (const int value : {0, 0, 0, 40, width, height, 1 | bits << 16, compression, 0, 2835, 2835, 0, 0}) {
      add32(value);
    }
  }
  BmpBuilder& add32(int value) {
    for (int i = 0; i < 4; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    return *this;
  }
  BmpBuilder& add(std::initializer_list<int> values) {
    for (const int value : values) {
      bytes_.push_back(static_cast<std::byte>(value));
    }
    return *this;
  }
  BmpBuilder& pixels_here() {
    offset_ = bytes_.size();
    return *this;
  }
  Bytes build() const {
    Bytes file{std::byte{'B'}, std::byte{'M'}};
    file.insert(file.end(), bytes_.begin(), bytes_.end());
    file[10] = static_cast<std::byte>(offset_ + 2);
    return file;
  }

 private:
  Bytes bytes_;
  std::size_t offset_ = 0;
};

TEST(Bmp, EveryDepthByHand) {
  const auto read = [](const BmpBuilder& bmp) { return samples(read_whole(*open_image(bmp.build()))); };
  // Two colours: 0 is (30, 20, 10), 1 is (60, 50, 40). Bottom row first.
  EXPECT_EQ(read(BmpBuilder(2, 2, 1).add32(0x1E140A).add32(0x3C3228).pixels_here().add32(0x80).add32(0x40)),
            (std::vector{30, 20, 10, 60, 50, 40, 60, 50, 40, 30, 20, 10}));
  EXPECT_EQ(read(BmpBuilder(2, -2, 1).add32(0x1E140A).add32(0x3C3228).pixels_here().add32(0x80).add32(0x40)),
            (std::vector{60, 50, 40, 30, 20, 10, 30, 20, 10, 60, 50, 40}));
  EXPECT_EQ(read(BmpBuilder(2, 1, 4).add32(0x1E140A).add32(0x3C3228).pixels_here().add32(0x10)),
            (std::vector{60, 50, 40, 30, 20, 10}));
  EXPECT_EQ(read(BmpBuilder(2, 1, 8).add32(0x1E140A).add32(0x3C3228).pixels_here().add({1, 0, 0, 0})),
            (std::vector{60, 50, 40, 30, 20, 10}));
  EXPECT_EQ(read(BmpBuilder(2, 1, 16).pixels_here().add32(0x7C00 | 0x001F << 16)),
            (std::vector{255, 0, 0, 0, 0, 255}));
  EXPECT_EQ(read(BmpBuilder(1, 1, 24).pixels_here().add({1, 2, 3})), (std::vector{3, 2, 1}));
  EXPECT_EQ(read(BmpBuilder(1, 1, 32).pixels_here().add({1, 2, 3, 4})), (std::vector{3, 2, 1}));
  EXPECT_EQ(
      read(BmpBuilder(1, 1, 16, 3).add32(0xF800).add32(0x07E0).add32(0x001F).pixels_here().add({0xE0, 0x07})),
      (std::vector{0, 255, 0}));
  EXPECT_EQ(read(BmpBuilder(1, 1, 32, 6)
                     .add32(0x00FF0000)
                     .add32(0x0000FF00)
                     .add32(0x000000FF)
                     .add32(static_cast<int>(0xFF000000))
                     .pixels_here()
                     .add({1, 2, 3, 4})),
            (std::vector{3, 2, 1, 4}));
}

TEST(Bmp, RunLengths) {
  const auto read = [](const BmpBuilder& bmp) { return samples(read_whole(*open_image(bmp.build()))); };
  // Colours 0, 1, 2 are (0,0,0), (0,0,1), (0,0,2). A run of two 1, then a literal of three, a line end, a
  // jump.
  const std::vector<int> picture = read(BmpBuilder(5, 2, 8, 1)
                                            .add32(0)
                                            .add32(1)
                                            .add32(2)
                                            .pixels_here()
                                            .add({2, 1, 0, 3, 2, 1, 2, 0, 0, 0, 0, 2, 1, 0, 1, 2, 0, 1}));
  const std::vector<int> blue{0, 2, 0, 0, 0, 1, 1, 2, 1, 2};
  ASSERT_EQ(picture.size(), 30U);
  for (std::size_t i = 0; i < blue.size(); ++i) {
    EXPECT_EQ(picture[3 * i + 2], blue[i]) << i;
  }
  EXPECT_EQ(read(BmpBuilder(3, 1, 4, 2).add32(0).add32(1).add32(2).pixels_here().add({3, 0x12, 0, 1})),
            (std::vector{0, 0, 1, 0, 0, 2, 0, 0, 1}));
}

TEST(Bmp, NonsenseIsRefused) {
  EXPECT_EQ(refusal_of(BmpBuilder(1, 1, 7).pixels_here().add32(0).build()).code,
            ErrorCode::unsupported_input);
  EXPECT_EQ(refusal_of(BmpBuilder(3, 3, 24).pixels_here().add32(0).build()).code, ErrorCode::damaged_input);
  EXPECT_EQ(refusal_of(BmpBuilder(5, 2, 8, 1).add32(0).pixels_here().add({2}).build()).code,
            ErrorCode::damaged_input);
}

TEST(Source, SequentialSourcesRefuseRowsOutOfOrder) {
  const auto source = open_image(data_file("rgb8.png"));
  Tile rows = Tile::allocate({0, 5, 61, 2}, source->info().format);
  EXPECT_THROW(source->read_rows(rows), Error);
}

TEST(Source, NoRowsAreNothingToRead) {
  for (const char* name : {"rgb8.png", "rgb8.jpg", "rgb8_none.tif", "rgba8_lossless.webp"}) {
    const auto source = open_image(data_file(name));
    Tile none = Tile::allocate({0, 0, 61, 0}, source->info().format);
    source->read_rows(none);
    EXPECT_GE(difference(read_whole(*source), read_whole(data_file(name))), 0);
  }
}

constexpr std::array every_decoder{
    "rgba8.png",           "rgb8.jpg", "rgb8_tiled.tif", "gray8_miniswhite.tif",
    "rgba8_lossless.webp", "rgb8.gif", "rgb8.avif",      "cmyk_plain.jpg"};

TEST(Source, EachStripMayBeReadByAnotherThread) {
  for (const char* name : every_decoder) {
    const auto source = open_image(data_file(name));
    Tile whole = Tile::allocate(Rect::whole(source->info().extent), source->info().format);
    for (std::int64_t y = 0; y < 47; y += 5) {
      Tile strip = whole.view({0, y, 61, std::min<std::int64_t>(5, 47 - y)});
      std::thread([&] { source->read_rows(strip); }).join();
    }
    EXPECT_EQ(difference(whole, read_whole(data_file(name))), 0) << name;
  }
}

TEST(Source, SeveralImagesMayBeReadAtOnce) {
  std::vector<Tile> expected;
  for (const char* name : every_decoder) {
    expected.push_back(read_whole(data_file(name)));
  }
  std::array<int, 4> different{};
  std::vector<std::thread> readers;
  for (int& count : different) {
    readers.emplace_back([&] {
      for (std::size_t i = 0; i < every_decoder.size(); ++i) {
        count += difference(read_whole(data_file(every_decoder[i])), expected[i]) == 0 ? 0 : 1;
      }
    });
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(different, (std::array<int, 4>{}));
}

TEST(Source, LeavesWhatLiesBesideATileAlone) {
  const auto source = open_image(data_file("rgba8.png"));
  cv::Mat color(47, 80, CV_8UC3, cv::Scalar::all(7));
  cv::Mat alpha(47, 80, CV_8UC1, cv::Scalar::all(7));
  Tile tile{{0, 0, 61, 47}, color(cv::Rect(3, 0, 61, 47)), alpha(cv::Rect(3, 0, 61, 47))};
  source->read_rows(tile);
  EXPECT_EQ(difference(tile, reference("rgba8.png")), 0);
  EXPECT_EQ(color.at<cv::Vec3b>(10, 2), cv::Vec3b(7, 7, 7));
  EXPECT_EQ(color.at<cv::Vec3b>(10, 64), cv::Vec3b(7, 7, 7));
  EXPECT_EQ(alpha.at<std::uint8_t>(10, 64), 7);
}

}  // namespace
}  // namespace tessera::test
