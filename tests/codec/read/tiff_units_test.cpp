// SPDX-License-Identifier: Apache-2.0
// TIFFs whose strips and tiles are unpacked by several threads.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <thread>

#include "made_tiff.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

/// All rows, in blocks of `block_rows` that are begun in order; `threads` finish them in any order.
Tile read_by_threads(Source& source, std::int64_t block_rows, int threads) {
  Tile whole = Tile::allocate(Rect::whole(source.info().extent), source.info().format);
  std::vector<Tile> parts;
  std::vector<std::unique_ptr<DeferredRows>> rests;
  for (std::int64_t y = 0; y < whole.rect.height; y += block_rows) {
    const Interval rows{y, std::min(whole.rect.height, y + block_rows)};
    parts.push_back(whole.view(Rect::of_rows(rows, whole.rect.width)));
    rests.push_back(source.read_rows_deferred(parts.back()));
  }
  std::atomic<std::size_t> next{0};
  std::latch begin(threads);
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        begin.arrive_and_wait();
        for (std::size_t part = next++; part < parts.size(); part = next++) {
          if (rests[part]) {
            rests[part]->finish(parts[part]);
          }
        }
      });
    }
  }
  return whole;
}

TEST(TiffUnits, OfEveryLayoutAreReadBySeveralThreadsAsByOne) {
  for (const TiffKind& kind : tiff_kinds()) {
    SCOPED_TRACE(name_of(kind));
    const Bytes bytes = make_tiff({kind});
    const Tile by_one = read_whole(*open_image(bytes));
    // Blocks that cut strips and tiles, and that hold several.
    for (const std::int64_t block_rows : {1, 5, 41}) {
      const auto source = open_image(bytes);
      EXPECT_EQ(difference(read_by_threads(*source, block_rows, 4), by_one), 0) << block_rows;
    }
  }
}

TEST(TiffUnits, DamageIsToldOfTheRowsItIsIn) {
  Bytes bytes = make_tiff({{.tiled = true, .compression = COMPRESSION_ADOBE_DEFLATE}});
  const std::size_t begin = bytes.size() / 3;
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
            bytes.begin() + static_cast<std::ptrdiff_t>(begin) + 8, std::byte{0xFF});
  const auto source = open_image(bytes);
  int broken = 0;
  std::string sentence;
  for (std::int64_t y = 0; y < tiff_height; y += tile_side) {
    Tile part = Tile::allocate({0, y, tiff_width, std::min<std::int64_t>(tile_side, tiff_height - y)},
                               source->info().format);
    try {
      source->read_rows(part);
    } catch (const Error& error) {
      ++broken;
      EXPECT_EQ(error.code(), ErrorCode::damaged_input);
      EXPECT_NE(std::string(error.what()).find("from row " + std::to_string(y) + " on"), std::string::npos)
          << error.what();
      sentence = error.what();
    }
  }
  EXPECT_EQ(broken, 1);
  // Several threads that need it get the same.
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto again = open_image(bytes);
    Tile whole = Tile::allocate(Rect::whole(again->info().extent), again->info().format);
    const auto rest = again->read_rows_deferred(whole);
    Tile second = Tile::allocate(Rect::whole(again->info().extent), again->info().format);
    const auto other = again->read_rows_deferred(second);
    std::array<std::string, 2> told;
    {
      const std::jthread thread([&] {
        try {
          rest->finish(whole);
        } catch (const Error& error) {
          told[0] = error.what();
        }
      });
      try {
        other->finish(second);
      } catch (const Error& error) {
        told[1] = error.what();
      }
    }
    EXPECT_EQ(told[0], sentence);
    EXPECT_EQ(told[1], sentence);
  }
}

/// 8 x 8 gray pixels in a strip that is said to take `strip_bytes`, which follow the directory.
Bytes one_strip(std::uint32_t strip_bytes) {
  Bytes bytes;
  const auto add = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 255));
    }
  };
  struct Entry {
    std::uint32_t tag;
    std::uint32_t value;
  };
  constexpr std::array<Entry, 8> entries{
      {{256, 8}, {257, 8}, {258, 8}, {259, 8}, {262, 1}, {273, 200}, {278, 8}, {279, 0}}};
  add(0x2A4949, 4);
  add(8, 4);
  add(entries.size(), 2);
  for (const Entry& entry : entries) {
    add(entry.tag, 2);
    add(4, 2);  // LONG
    add(1, 4);
    add(entry.tag == 279 ? strip_bytes : entry.value, 4);
  }
  add(0, 4);
  bytes.resize(200 + std::size_t{strip_bytes});
  return bytes;
}

TEST(TiffUnits, AStripThatTakesFarMoreThanItsPixelsIsRefused) {
  const Refusal refusal = refusal_of(one_strip(150U << 20));
  EXPECT_EQ(refusal.code, ErrorCode::limit_exceeded) << refusal.sentence;
  EXPECT_NE(refusal.sentence.find("150 MB"), std::string::npos) << refusal.sentence;
  // One that could be read is damaged: it holds zeros.
  EXPECT_EQ(refusal_of(one_strip(1000)).code, ErrorCode::damaged_input);
}

}  // namespace
}  // namespace tessera::test
