// SPDX-License-Identifier: Apache-2.0
// What readers announce to their input before rows are read: the bytes that reading them takes, and few others.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "codec/io/input.hpp"
#include "made_tiff.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

/// Remembers what is announced and what is read.
class WatchedInput final : public Input {
 public:
  explicit WatchedInput(Bytes bytes)
      : Input("'watched'", std::ssize(bytes)), memory_(make_memory_input(std::move(bytes), "'watched'")) {}
  std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const override {
    const std::scoped_lock lock(mutex_);
    read.push_back({offset, std::ssize(to)});
    return memory_->read_at(offset, to);
  }
  void read_ahead(std::span<const ByteSpan> spans, std::int64_t max_bytes) const override {
    announced.assign(spans.begin(), spans.end());
    limit = max_bytes;
  }
  [[nodiscard]] bool has_announced(const ByteSpan& span) const {
    return std::ranges::any_of(announced, [&](const ByteSpan& known) {
      return known.offset <= span.offset && span.offset + span.bytes <= known.offset + known.bytes;
    });
  }

  mutable std::vector<ByteSpan> read;
  mutable std::vector<ByteSpan> announced;
  mutable std::int64_t limit = 0;

 private:
  std::shared_ptr<const Input> memory_;
  mutable std::mutex mutex_;
};

/// 24 bits a pixel, of which none matters.
Bytes make_bmp(std::uint32_t width, std::uint32_t height, bool top_down) {
  const std::uint32_t pixel_bytes = (width * 3 + 3) / 4 * 4 * height;
  Bytes bytes{std::byte{'B'}, std::byte{'M'}};
  const auto add = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) {
      bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 255));
    }
  };
  add(54 + pixel_bytes, 4);
  add(0, 4);
  add(54, 4);
  add(40, 4);
  add(width, 4);
  add(top_down ? ~height + 1 : height, 4);
  add(1, 2);
  add(24, 2);
  add(0, 4);
  add(pixel_bytes, 4);
  bytes.resize(54 + std::size_t{pixel_bytes});
  return bytes;
}

/// That reading rows far down reads nothing that was not announced, and that little else was.
void expect_announced(Bytes bytes) {
  const auto input = std::make_shared<WatchedInput>(std::move(bytes));
  const auto source = open_input(input, {});
  ASSERT_TRUE(source->random_access());
  const std::int64_t width = source->info().extent.width;
  // By then all that reading needs besides pixels has been read: a TIFF's directory is read for each thread.
  Tile top = Tile::allocate(Rect::of_rows({0, 1}, width), source->info().format);
  source->read_rows(top);
  input->read.clear();
  const std::int64_t height = source->info().extent.height;
  const Interval rows{height / 2, height / 2 + height / 3};
  source->read_ahead(rows, 12345);
  EXPECT_EQ(input->limit, 12345);
  Tile tile = Tile::allocate(Rect::of_rows(rows, width), source->info().format);
  source->read_rows(tile);
  std::int64_t read_bytes = 0;
  for (const ByteSpan& span : input->read) {
    read_bytes += span.bytes;
    EXPECT_TRUE(input->has_announced(span)) << span.offset << " " << span.bytes;
  }
  EXPECT_GT(read_bytes, 0);
  std::int64_t announced_bytes = 0;
  for (const ByteSpan& span : input->announced) {
    announced_bytes += span.bytes;
  }
  // The padding of a BMP's rows is not read.
  EXPECT_LE(announced_bytes, read_bytes + 4 * rows.size());
}

TEST(ReadAhead, AnnouncesWhatReadingTheRowsOfATiffTakes) {
  for (const TiffKind& kind : tiff_kinds()) {
    if (kind.bits < 8 && kind.samples == 1) {
      continue;  // libvips reads them
    }
    if (!kind.tiled && kind.strip_rows == tiff_height) {
      continue;  // all is read with the first row
    }
    SCOPED_TRACE(name_of(kind));
    expect_announced(make_tiff({kind}));
  }
}

TEST(ReadAhead, AnnouncesWhatReadingTheRowsOfAnUncompressedImageTakes) {
  for (const char* name :
       {"gray16.pgm", "rgb8.ppm", "gray_1bit.pbm", "rgb16_none.tif", "gray16_none_bigtiff.tif"}) {
    SCOPED_TRACE(name);
    expect_announced(load_file(data_file(name)));
  }
  for (const bool top_down : {false, true}) {
    SCOPED_TRACE(top_down);
    expect_announced(make_bmp(23, 40, top_down));
  }
}

TEST(ReadAhead, JoinsSpansThatFollowEachOther) {
  std::vector<ByteSpan> spans;
  append_span(spans, {100, 10});
  append_span(spans, {110, 5});
  append_span(spans, {90, 10});
  append_span(spans, {100, 1});
  EXPECT_EQ(spans, (std::vector<ByteSpan>{{100, 15}, {90, 11}}));
}

}  // namespace
}  // namespace tessera::test
