// SPDX-License-Identifier: Apache-2.0
// JPEGs of one scan, whose pixels are made by code of our own, against libjpeg-turbo: every sampling and
// size, and what is damaged.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jpeglib.h>

#include <functional>
#include <random>
#include <thread>

#include "codec/jpeg/baseline.hpp"
#include "codec/jpeg/decoder.hpp"
#include "codec/jpeg/pixels.hpp"
#include "made_jpeg.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

using namespace std::literals;

/// Read by libjpeg alone.
std::unique_ptr<Source> open_by_libjpeg(const Bytes& bytes, bool salvage = false) {
  const auto input = make_view_input(bytes, "the input");
  ReadOptions options;
  options.salvage = salvage;
  JpegLayout layout = scan_jpeg(input, options.limits);
  ImageHeader header;
  header.info = {{layout.width, layout.height}, {Depth::u8, layout.components == 1 ? 1 : 3, false}};
  return make_row_source(std::move(header), make_jpeg_decoder(input, options), salvage);
}

void expect_same_by_any_rows(const Bytes& bytes, const std::string& what) {
  const Tile expected = read_whole(*open_by_libjpeg(bytes), 64);
  for (const std::int64_t rows : {1, 7, 16, 40, 1000}) {
    EXPECT_EQ(difference(read_whole(*open_image(std::span<const std::byte>(bytes)), rows), expected), 0)
        << what << ", " << rows << " rows at once";
  }
  for (const std::int64_t rows : {5, 8, 16, 48}) {
    const auto source = open_image(std::span<const std::byte>(bytes));
    EXPECT_EQ(difference(read_unfinished(*source, rows), expected), 0)
        << what << ", " << rows << " rows begun at once";
  }
}

TEST(PlainJpeg, HasThePixelsOfLibjpegAtEverySamplingAndSize) {
  for (const auto& [columns, rows] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}}) {
    for (const int width : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 64, 65, 130}) {
      for (const int height : {1, 8, 15, 17, 50}) {
        const Bytes bytes = encode(make_picture({width, height}, 3, 40, 5), {columns, rows});
        expect_same_by_any_rows(bytes, fmt::format("{}x{} sampled {}x{}", width, height, columns, rows));
      }
    }
  }
}

TEST(PlainJpeg, HasThePixelsOfLibjpegWhateverTheTablesAndRestarts) {
  for (const int channels : {1, 3}) {
    for (const int quality : {1, 30, 75, 92, 100}) {
      for (const int restart_mcus : {0, 1, 5, 100}) {
        for (const int noise : {0, 30, 256}) {
          for (const bool own_tables : {false, true}) {
            const Coding coding{2, channels == 3 ? 2 : 1, quality, restart_mcus, own_tables};
            const Bytes bytes = encode(make_picture({203, 87}, channels, noise, 3), coding);
            expect_same_by_any_rows(
                bytes, fmt::format("{} channels, quality {}, restarts {}, noise {}, own tables {}", channels,
                                   quality, restart_mcus, noise, own_tables));
          }
        }
      }
    }
  }
}

TEST(PlainJpeg, WrapsAndSaturatesAsLibjpegDoes) {
  for (const int noise : {0, 30, 256}) {
    for (const int quality : {20, 80, 100}) {
      Coding coding{1, 1, quality};
      coding.coarse = true;
      expect_same_by_any_rows(encode(make_picture({163, 57}, 3, noise, 9), coding),
                              fmt::format("noise {}, quality {}", noise, quality));
    }
  }
}

TEST(PlainJpeg, IsReadByTwoThreads) {
  const Bytes bytes = encode(make_picture({200, 100}, 3, 40, 5), {2, 2});
  const auto source = open_image(std::span<const std::byte>(bytes));
  Tile rows = Tile::allocate({0, 0, 200, 32}, source->info().format);
  EXPECT_EQ(source->read_rows_deferred(rows) != nullptr, can_make_jpeg_pixels());
}

/// What reading gives: pixels, or what is said instead.
struct Reading {
  Tile pixels;
  std::string refusal;
};
Reading reading_of(const std::function<std::unique_ptr<Source>()>& open) {
  try {
    return {read_whole(*open(), 16), ""};
  } catch (const Error& error) {
    return {{}, error.what()};
  }
}

/// Whether salvage is worth trying is judged for all formats in one place, above the decoders.
std::string without_advice(const std::string& refusal) {
  return refusal.substr(0, refusal.find(" Reading with salvage"));
}

void expect_same_of_damaged(const Bytes& bytes, const std::string& what) {
  for (const bool salvage : {false, true}) {
    ReadOptions options;
    options.salvage = salvage;
    const Reading expected = reading_of([&] { return open_by_libjpeg(bytes, salvage); });
    const Reading ours = reading_of([&] { return open_image(std::span<const std::byte>(bytes), options); });
    EXPECT_EQ(without_advice(ours.refusal), without_advice(expected.refusal)) << what;
    if (ours.refusal.empty() && expected.refusal.empty()) {
      EXPECT_EQ(difference(ours.pixels, expected.pixels), 0) << what;
    }
  }
}

TEST(PlainJpeg, SaysAndSalvagesOfDamageWhatLibjpegDoes) {
  for (const Coding& coding : {Coding{1, 1, 85, 0}, Coding{2, 2, 85, 4}, Coding{2, 1, 40, 1}}) {
    const Bytes sound = encode(make_picture({120, 90}, 3, 20, 7), coding);
    const std::size_t header = 620;
    ASSERT_GT(sound.size(), header + 100);
    for (std::size_t size = header; size < sound.size(); size += 41) {
      expect_same_of_damaged({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)},
                             fmt::format("cut at {} of {}", size, sound.size()));
    }
    std::mt19937 random(11);
    for (int i = 0; i < 300; ++i) {
      Bytes damaged = sound;
      const std::size_t at = header + random() % (sound.size() - header);
      damaged[at] = static_cast<std::byte>(i % 3 == 0 ? 0xFF : random() & 0xFF);
      expect_same_of_damaged(
          damaged, fmt::format("byte {} of {} is {}", at, sound.size(), std::to_integer<int>(damaged[at])));
    }
  }
}

TEST(PlainJpeg, MindsWhatStandsAtTheEnd) {
  const Bytes sound = encode(make_picture({64, 48}, 3, 20, 7), {2, 2});
  // With a scan more than the header tells of, nothing, the beginning of a marker, and what does no harm.
  for (const std::string_view end :
       {"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\xFF\xD9"sv, ""sv, "\xFF"sv, "\x00"sv, "\xFF\xFF\xD9"sv,
        "\x12\x34\xFF\xD9"sv, "\xFF\xD3\xFF\xD9"sv, "\xFF\xFE\x00\x04hi\xFF\xD9"sv, "\xFF\xD9 and more"sv}) {
    Bytes odd(sound.begin(), sound.end() - 2);
    for (const char c : end) {
      odd.push_back(static_cast<std::byte>(c));
    }
    expect_same_of_damaged(odd, fmt::format("an end of {} bytes", end.size()));
  }
}

}  // namespace
}  // namespace tessera::test
