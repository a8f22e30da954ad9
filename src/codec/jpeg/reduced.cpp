// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/reduced.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "codec/jpeg/zigzag.hpp"

namespace tessera {
namespace {

constexpr int side = jpeg_block_side;
constexpr std::array<std::uint8_t, 64> places = jpeg_places(side);

/// What each coefficient of a block, as stored, adds to the samples of a block of `rows` x `columns`.
class ReducedTransform {
 public:
  ReducedTransform(int rows, int columns, const std::array<std::uint16_t, 64>& quantizers)
      : rows_(rows),
        columns_(columns),
        samples_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {
    const Basis down = basis(rows);
    const Basis across = basis(columns);
    for (int v = 0; v < rows; ++v) {
      for (int u = 0; u < columns; ++u) {
        const auto place = static_cast<std::size_t>(v * side + u);
        begins_[place] = static_cast<int>(parts_.size());
        for (int y = 0; y < rows; ++y) {
          for (int x = 0; x < columns; ++x) {
            parts_.push_back(
                static_cast<float>(quantizers[place] * down[place_of(v, y)] * across[place_of(u, x)]));
          }
        }
      }
    }
    for (int place = 0; place < side * side; ++place) {
      const std::size_t at = places[static_cast<std::size_t>(place)];
      last_place_ = at == 0 || begins_[at] > 0 ? place : last_place_;
    }
  }

  /// Writes the samples of a block; returns where the next block begins.
  const JpegWord* block(const JpegWord* words, std::uint8_t* out, std::int64_t stride) const {
    const int count = jpeg_upper_half(*words);
    std::array<float, static_cast<std::size_t>(side) * side> sums;
    const float level = 128.5F + parts_[0] * static_cast<float>(jpeg_coefficient(*words));
    std::fill_n(sums.begin(), samples_, level);
    for (int i = 1; i <= count; ++i) {
      const int place = jpeg_upper_half(words[i]) & 63;
      if (place > last_place_) {
        break;  // higher frequencies follow
      }
      const int begin = begins_[places[static_cast<std::size_t>(place)]];
      if (begin > 0) {
        const auto value = static_cast<float>(jpeg_coefficient(words[i]));
        const float* const parts = parts_.data() + begin;
        for (std::size_t sample = 0; sample < samples_; ++sample) {
          sums[sample] += value * parts[sample];
        }
      }
    }
    const float* sum = sums.data();
    for (int y = 0; y < rows_; ++y, out += stride) {
      for (int x = 0; x < columns_; ++x) {
        out[x] = static_cast<std::uint8_t>(std::clamp(*sum++, 0.0F, 255.0F));
      }
    }
    return words + count + 1;
  }

  [[nodiscard]] int rows() const { return rows_; }
  [[nodiscard]] int columns() const { return columns_; }

 private:
  /// By frequency and sample. Made per call, for strips of few rows too, so no cosine is computed twice.
  using Basis = std::array<double, static_cast<std::size_t>(side) * side>;
  static std::size_t place_of(int frequency, int sample) {
    return static_cast<std::size_t>(frequency * side + sample);
  }
  static Basis basis(int size) {
    Basis values{};
    for (int frequency = 0; frequency < size; ++frequency) {
      const double scale = frequency == 0 ? std::numbers::sqrt2 / 4 : 0.5;
      for (int sample = 0; sample < size; ++sample) {
        values[place_of(frequency, sample)] =
            scale * std::cos((2 * sample + 1) * frequency * std::numbers::pi / (2 * size));
      }
    }
    return values;
  }

  int rows_;
  int columns_;
  std::size_t samples_;
  int last_place_ = 0;            ///< in zigzag order, of a frequency that is not left out
  std::array<int, 64> begins_{};  ///< in parts_; 0 but for the first: a frequency that is left out
  std::vector<float> parts_;
};

std::uint8_t clamped(int level) { return static_cast<std::uint8_t>(std::clamp(level, 0, 255)); }

/// JFIF's colours in 16 bits of fraction, as libjpeg has them.
void to_rgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red, std::int64_t width,
            std::uint8_t* out) {
  constexpr int half = 1 << 15;
  for (std::int64_t x = 0; x < width; ++x) {
    const int y = luma[x];
    const int cb = blue[x] - 128;
    const int cr = red[x] - 128;
    *out++ = clamped(y + ((91881 * cr + half) >> 16));
    *out++ = clamped(y + ((-22554 * cb - 46802 * cr + half) >> 16));
    *out++ = clamped(y + ((116130 * cb + half) >> 16));
  }
}

/// The samples of one component in one row of MCUs.
struct Plane {
  ReducedTransform transform;
  int block_rows;  ///< in the row of MCUs
  std::int64_t blocks_across;
  std::vector<std::uint8_t> samples;

  [[nodiscard]] std::int64_t stride() const { return blocks_across * transform.columns(); }
  [[nodiscard]] const std::uint8_t* line(std::int64_t y) const { return samples.data() + y * stride(); }
  void fill(const JpegCoefficients& coefficients, int component) {
    for (int row = 0; row < block_rows; ++row) {
      const JpegWord* words = coefficients.blocks(component, row);
      std::uint8_t* out = samples.data() + row * transform.rows() * stride();
      for (std::int64_t block = 0; block < blocks_across; ++block, out += transform.columns()) {
        words = transform.block(words, out, stride());
      }
    }
  }
};

}  // namespace

Interval reduced_jpeg_rows_for(const JpegScan& scan, int factor, const Interval& rows) {
  const std::int64_t height = scan.mcu_height() / factor;
  return {rows.begin / height, std::min(scan.mcus_down(), (rows.end + height - 1) / height)};
}

void make_reduced_jpeg_pixels(const JpegScan& scan, const JpegRows& coefficients, int factor, Tile& out) {
  const int luma_side = side / factor;
  std::vector<Plane> planes;
  for (std::size_t i = 0; i < scan.components.size(); ++i) {
    const bool luma = i == 0;
    const int rows = luma ? luma_side : luma_side * scan.luma_rows;
    const int columns = luma ? luma_side : luma_side * scan.luma_columns;
    const int block_rows = luma ? scan.luma_rows : 1;
    const std::int64_t across = scan.mcus_across() * (luma ? scan.luma_columns : 1);
    planes.push_back(
        {ReducedTransform(rows, columns, scan.components[i].quantizers), block_rows, across,
         std::vector<std::uint8_t>(static_cast<std::size_t>(block_rows * rows * across * columns))});
  }
  const Interval wanted = out.rect.rows();
  const std::int64_t height = scan.mcu_height() / factor;
  const Interval needed = reduced_jpeg_rows_for(scan, factor, wanted);
  for (std::int64_t mcu = needed.begin; mcu < needed.end; ++mcu) {
    const JpegCoefficients& row = *coefficients.rows[static_cast<std::size_t>(mcu - coefficients.first)];
    for (std::size_t i = 0; i < planes.size(); ++i) {
      planes[i].fill(row, static_cast<int>(i));
    }
    const Interval here = Interval{mcu * height, (mcu + 1) * height}.intersect(wanted);
    for (std::int64_t y = here.begin; y < here.end; ++y) {
      const std::int64_t line = y - mcu * height;
      auto* const to = out.color.ptr<std::uint8_t>(static_cast<int>(y - wanted.begin));
      if (planes.size() == 1) {
        std::copy_n(planes[0].line(line), out.rect.width, to);
      } else {
        to_rgb(planes[0].line(line), planes[1].line(line), planes[2].line(line), out.rect.width, to);
      }
    }
  }
}

}  // namespace tessera
