// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JPEG, by our own reader and by libjpeg alone, with salvage where their number is even: both
// must say the same or give the same pixels. Read smaller, it must come to the same coefficients of low frequencies.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
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

/// Puts what `words` has of low frequencies where `out` has room for it.
void choose(const JpegScan& scan, const JpegCoefficients& words, JpegFrequencies& out) {
  out.clear();
  for (std::size_t component = 0; component < scan.components.size(); ++component) {
    const JpegFrequencyLayout::Component& layout = out.layout().component(component);
    for (int line = 0; line < layout.lines; ++line) {
      const JpegWord* word = words.blocks(static_cast<int>(component), line);
      std::int16_t* to = out.line(component, line);
      const std::int64_t blocks = scan.mcus_across() * scan.columns_of(component);
      for (std::int64_t block = 0; block < blocks; ++block, ++to) {
        const int count = jpeg_upper_half(*word);
        *to = jpeg_coefficient(*word++);
        for (int i = 0; i < count; ++i, ++word) {
          to[layout.distances[static_cast<std::size_t>(jpeg_upper_half(*word) & 63)]] =
              jpeg_coefficient(*word);
        }
      }
    }
  }
}

/// The planes that count are the same.
bool same(const JpegScan& scan, const JpegFrequencies& a, const JpegFrequencies& b) {
  for (std::size_t component = 0; component < scan.components.size(); ++component) {
    const JpegFrequencyLayout::Component& layout = a.layout().component(component);
    const std::size_t size = layout.plane_size * static_cast<std::size_t>(layout.block.samples());
    for (int line = 0; line < layout.lines; ++line) {
      if (!std::equal(a.line(component, line), a.line(component, line) + size, b.line(component, line))) {
        return false;
      }
    }
  }
  return true;
}

void compare_frequencies(const InputPtr& input, const JpegScan& scan, int factor) {
  const auto all = JpegEntropy::make(input, scan);
  const auto low = JpegEntropy::make(input, scan);
  if (!all) {
    return;
  }
  const auto layout = std::make_shared<const JpegFrequencyLayout>(scan, factor);
  JpegCoefficients words(scan);
  JpegFrequencies expected(layout);
  JpegFrequencies got(layout);
  for (std::int64_t row = 0; row < scan.mcus_down(); ++row) {
    const bool found = all->next_row(words);
    if (low->next_row(got) != found) {
      std::abort();
    }
    if (!found) {
      return;
    }
    choose(scan, words, expected);
    if (!same(scan, got, expected)) {
      std::abort();
    }
  }
  if (all->ends_well() != low->ends_well()) {
    std::abort();
  }
}

void compare(const InputPtr& input, const ReadOptions& options) {
  const JpegLayout layout = scan_jpeg(input, options.limits);
  auto decoder = make_jpeg_decoder(input, options);
  const auto scan =
      decoder->agrees_with(layout) && !decoder->several_scans() ? decoder->plain_scan() : std::nullopt;
  if (!scan) {
    return;
  }
  compare_frequencies(input, *scan, 2 << (input->size() / 2 % 3));
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
