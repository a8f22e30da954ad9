// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/unit_samples.hpp"

#include <algorithm>
#include <cstring>

namespace tessera {
namespace {

template <class Sample>
void invert_colors(Sample* row, std::int64_t width, int samples, int colors) {
  for (std::int64_t x = 0; x < width; ++x) {
    for (int c = 0; c < colors; ++c) {
      row[x * samples + c] = static_cast<Sample>(~row[x * samples + c]);
    }
  }
}

template <class Sample>
void divide_by_alpha(Sample* row, std::int64_t width, int samples) {
  constexpr std::uint32_t full = static_cast<Sample>(~Sample{0});
  for (std::int64_t x = 0; x < width; ++x) {
    Sample* const pixel = row + x * samples;
    const std::uint32_t alpha = pixel[samples - 1];
    for (int c = 0; c + 1 < samples; ++c) {
      pixel[c] =
          alpha == 0
              ? Sample{0}
              : static_cast<Sample>(std::min<std::uint32_t>(full, (pixel[c] * full + alpha / 2) / alpha));
    }
  }
}

}  // namespace

UnitSamples::UnitSamples(const TiffLayout& layout)
    : layout_(layout),
      planes_(layout.planes()),
      plane_samples_(layout.samples / planes_),
      sample_bytes_(layout.bits == 16 ? 2 : 1),
      row_bytes_(std::int64_t{layout.width} * layout.samples * sample_bytes_) {}

std::int64_t UnitSamples::rows_of(std::int64_t unit) const {
  return std::min<std::int64_t>(layout_.unit_rows, layout_.height - unit * layout_.unit_rows);
}

std::int64_t UnitSamples::packed_row_bytes() const {
  return (std::int64_t{layout_.width} * plane_samples_ * layout_.bits + 7) / 8;
}

void UnitSamples::unpack(const std::byte* packed, std::byte* held, std::int64_t y, std::int64_t x,
                         std::int64_t columns, int plane) const {
  std::byte* const to = held + y * row_bytes_ + (x * layout_.samples + plane) * sample_bytes_;
  const std::int64_t count = columns * plane_samples_;
  if (planes_ == 1 && layout_.bits >= 8) {
    std::memcpy(to, packed, static_cast<std::size_t>(count * sample_bytes_));
    return;
  }
  const std::int64_t step = planes_ == 1 ? 1 : layout_.samples;
  if (layout_.bits == 16) {
    const auto* const from = reinterpret_cast<const std::uint16_t*>(packed);
    auto* const wide = reinterpret_cast<std::uint16_t*>(to);
    for (std::int64_t i = 0; i < count; ++i) {
      wide[i * step] = from[i];
    }
    return;
  }
  const int bits = layout_.bits;
  const int most = (1 << bits) - 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t bit = i * bits;
    const int value = static_cast<int>(packed[bit / 8]) >> (8 - bits - static_cast<int>(bit % 8)) & most;
    to[i * step] = static_cast<std::byte>(value * 255 / most);
  }
}

template <class Sample>
void UnitSamples::finish(Sample* row) const {
  const bool alpha = layout_.samples % 2 == 0;
  if (layout_.photometric == PHOTOMETRIC_MINISWHITE) {
    invert_colors(row, layout_.width, layout_.samples, layout_.samples - (alpha ? 1 : 0));
  }
  if (alpha && layout_.extra_sample == EXTRASAMPLE_ASSOCALPHA) {
    divide_by_alpha(row, layout_.width, layout_.samples);
  }
}

void UnitSamples::finish_row(std::byte* row) const {
  if (sample_bytes_ == 2) {
    finish(reinterpret_cast<std::uint16_t*>(row));
  } else {
    finish(reinterpret_cast<std::uint8_t*>(row));
  }
}

}  // namespace tessera
