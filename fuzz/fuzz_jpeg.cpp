// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JPEG, by our own reader and by libjpeg alone, with salvage where their number is even: both
// must say the same or give the same pixels.
#include <cstdint>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "codec/jpeg/baseline.hpp"
#include "codec/jpeg/decoder.hpp"

namespace {

using namespace tessera;

struct Reading {
  Tile pixels;
  std::string refusal;
};

Reading read(Source& source) {
  const ImageInfo info = source.info();
  Tile whole = Tile::allocate(Rect::whole(info.extent), info.format);
  try {
    constexpr std::int64_t rows_at_once = 24;
    for (std::int64_t y = 0; y < info.extent.height; y += rows_at_once) {
      const Interval rows{y, std::min(y + rows_at_once, info.extent.height)};
      Tile part = whole.view(Rect::of_rows(rows, info.extent.width));
      if (const auto rest = source.read_rows_deferred(part)) {
        rest->finish(part);
      }
    }
  } catch (const Error& error) {
    return {{}, error.what()};
  }
  return {whole, ""};
}

void compare(const InputPtr& input, const ReadOptions& options) {
  const JpegLayout layout = scan_jpeg(input, options.limits);
  auto decoder = make_jpeg_decoder(input, options);
  const auto scan =
      decoder->agrees_with(layout) && !decoder->several_scans() ? decoder->plain_scan() : std::nullopt;
  if (!scan) {
    return;
  }
  ImageHeader header;
  header.info = {{layout.width, layout.height}, {Depth::u8, layout.components == 1 ? 1 : 3, false}};
  const auto by_libjpeg = make_row_source(header, make_jpeg_decoder(input, options), options.salvage);
  const auto ours =
      make_plain_jpeg_source(input, *scan, make_row_source(header, std::move(decoder), options.salvage));
  const Reading expected = read(*by_libjpeg);
  const Reading got = read(*ours);
  if (got.refusal != expected.refusal ||
      (got.refusal.empty() && cv::norm(got.pixels.color, expected.pixels.color, cv::NORM_INF) != 0)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReadOptions options;
  options.salvage = size % 2 == 0;
  options.limits.max_pixels = 1 << 18;
  options.limits.max_scans = 10;
  try {
    compare(make_view_input({reinterpret_cast<const std::byte*>(data), size}, "the input"), options);
  } catch (const tessera::Error&) {
    return 0;
  }
  return 0;
}
