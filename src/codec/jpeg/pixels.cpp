// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/pixels.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "codec/jpeg/vectors.hpp"
#include "codec/jpeg/zigzag.hpp"

namespace tessera {

Interval jpeg_rows_for(const JpegScan& scan, const Interval& pixel_rows) {
  const std::int64_t height = scan.mcu_height();
  const std::int64_t more = scan.luma_rows > 1 ? 1 : 0;
  return {std::max<std::int64_t>(0, pixel_rows.begin / height - more),
          std::min(scan.mcus_down(), (pixel_rows.end + height - 1) / height + more)};
}

namespace {

constexpr int side = jpeg_block_side;

/// Of two blocks whose rows alternate.
constexpr std::array<std::uint8_t, 64> places = jpeg_places(side * jpeg_pair);

/// Puts a block into one half of a pair that is all zero; returns where the next begins.
const JpegWord* spread(const JpegWord* block, std::int16_t* half) {
  const int count = jpeg_upper_half(*block);
  half[0] = jpeg_coefficient(*block);
  for (int i = 1; i <= count; ++i) {
    half[places[block[i] >> 16 & 63]] = jpeg_coefficient(block[i]);
  }
  return block + count + 1;
}

/// Lines of one component's samples, of `blocks` rows of blocks, of which the last ones are kept.
class Samples {
 public:
  Samples(std::int64_t blocks_across, int kept_blocks, const std::array<std::uint16_t, 64>& quantizers)
      : blocks_across_(blocks_across),
        kept_lines_(std::int64_t{kept_blocks} * side),
        stride_(blocks_across * side + jpeg_slack),
        samples_(static_cast<std::size_t>(kept_lines_ * stride_)) {
    for (std::size_t i = 0; i < quantizers.size(); ++i) {
      const std::size_t at = i / side * side * jpeg_pair + i % side;
      quantizers_.values[at] = quantizers_.values[at + side] = static_cast<std::int16_t>(quantizers[i]);
    }
  }

  [[nodiscard]] std::uint8_t* line(std::int64_t index) {
    return samples_.data() + index % kept_lines_ * stride_;
  }

  /// Row `row` of blocks.
  void fill(std::int64_t row, const JpegWord* block) {
    std::uint8_t* out = line(row * side);
    static constexpr std::array<JpegWord, 1> nothing{0};
    for (std::int64_t left = blocks_across_; left > 0; left -= jpeg_pair, out += side * jpeg_pair) {
      const JpegWord* const second = block + jpeg_upper_half(*block) + 1;
      const JpegWord* const other = left > 1 ? second : nothing.data();
      if (jpeg_upper_half(*block) == 0 && jpeg_upper_half(*other) == 0) {
        fill_flat(*block, *other, out);
        block = second + (left > 1 ? 1 : 0);
        continue;
      }
      JpegPair coefficients;
      spread(block, coefficients.values.data());
      block = spread(other, coefficients.values.data() + side);
      transform_jpeg_pair(coefficients, quantizers_, out, stride_);
    }
  }

 private:
  void fill_flat(JpegWord first, JpegWord second, std::uint8_t* out) const {
    constexpr std::uint64_t each = 0x0101010101010101;
    const std::array<std::uint64_t, jpeg_pair> line{
        each * flat_jpeg_sample(jpeg_coefficient(first), quantizers_.values[0]),
        each * flat_jpeg_sample(jpeg_coefficient(second), quantizers_.values[0])};
    for (int y = 0; y < side; ++y) {
      std::memcpy(out + y * stride_, line.data(), sizeof line);
    }
  }

  std::int64_t blocks_across_;
  std::int64_t kept_lines_;
  std::int64_t stride_;
  std::vector<std::uint8_t> samples_;
  JpegPair quantizers_;
};

/// Makes pixels from top to bottom.
class Maker {
 public:
  Maker(const JpegScan& scan, const JpegRows& coefficients)
      : scan_(scan),
        coefficients_(coefficients),
        chroma_width_((scan.width + scan.luma_columns - 1) / scan.luma_columns),
        chroma_height_((scan.height + scan.luma_rows - 1) / scan.luma_rows),
        sums_(static_cast<std::size_t>(chroma_width_ + 2 * jpeg_slack)) {
    const int kept_chroma = scan.luma_rows > 1 ? 3 : 1;
    for (std::size_t i = 0; i < scan.components.size(); ++i) {
      const bool luma = i == 0;
      samples_.emplace_back(scan.mcus_across() * (luma ? scan.luma_columns : 1),
                            luma ? scan.luma_rows : kept_chroma, scan.components[i].quantizers);
    }
    for (auto& line : wide_) {
      line.resize(static_cast<std::size_t>(scan.width + 2 * jpeg_slack));
    }
  }

  void fill(Tile& out) {
    const Interval rows = out.rect.rows();
    const Interval needed = jpeg_rows_for(scan_, rows);
    std::int64_t chroma_done = needed.begin;
    for (std::int64_t mcu = rows.begin / scan_.mcu_height(); mcu * scan_.mcu_height() < rows.end; ++mcu) {
      for (int row = 0; row < scan_.luma_rows; ++row) {
        samples_[0].fill(mcu * scan_.luma_rows + row, of(mcu).blocks(0, row));
      }
      const std::int64_t chroma_end = std::min(needed.end, mcu + (scan_.luma_rows > 1 ? 2 : 1));
      for (; samples_.size() > 1 && chroma_done < chroma_end; ++chroma_done) {
        samples_[1].fill(chroma_done, of(chroma_done).blocks(1, 0));
        samples_[2].fill(chroma_done, of(chroma_done).blocks(2, 0));
      }
      const Interval here =
          Interval{mcu * scan_.mcu_height(), (mcu + 1) * scan_.mcu_height()}.intersect(rows);
      for (std::int64_t y = here.begin; y < here.end; ++y) {
        fill_row(y, out.color.ptr<std::uint8_t>(static_cast<int>(y - rows.begin)));
      }
    }
  }

 private:
  [[nodiscard]] const JpegCoefficients& of(std::int64_t mcu_row) const {
    return *coefficients_.rows[static_cast<std::size_t>(mcu_row - coefficients_.first)];
  }

  void fill_row(std::int64_t y, std::uint8_t* out) {
    const std::uint8_t* const luma = samples_[0].line(y);
    if (samples_.size() == 1) {
      std::memcpy(out, luma, static_cast<std::size_t>(scan_.width));
      return;
    }
    const std::uint8_t* const blue = chroma(1, y);
    jpeg_row_to_rgb(luma, blue, chroma(2, y), scan_.width, out);
  }

  /// A line of Cb or Cr as wide as the image.
  const std::uint8_t* chroma(std::size_t component, std::int64_t y) {
    Samples& samples = samples_[component];
    const std::uint8_t* const nearest = samples.line(y / scan_.luma_rows);
    if (scan_.luma_columns == 1) {
      return nearest;
    }
    std::uint16_t* const sums = sums_.data() + jpeg_slack;
    std::uint8_t* const wide = wide_[component - 1].data();
    if (scan_.luma_rows == 1) {
      for (std::int64_t x = 0; x < chroma_width_; ++x) {
        sums[x] = nearest[x];
      }
      repeat_ends(sums);
      double_jpeg_columns(sums, chroma_width_, wide);
      return wide;
    }
    const std::int64_t beside =
        std::clamp<std::int64_t>(y / 2 + (y % 2 == 0 ? -1 : 1), 0, chroma_height_ - 1);
    const std::uint8_t* const farther = samples.line(beside);
    for (std::int64_t x = 0; x < chroma_width_; ++x) {
      sums[x] = static_cast<std::uint16_t>(3 * nearest[x] + farther[x]);
    }
    repeat_ends(sums);
    double_jpeg_sums(sums, chroma_width_, wide);
    return wide;
  }

  void repeat_ends(std::uint16_t* sums) const {
    sums[-1] = sums[0];
    sums[chroma_width_] = sums[chroma_width_ - 1];
  }

  const JpegScan& scan_;
  const JpegRows& coefficients_;
  std::int64_t chroma_width_;
  std::int64_t chroma_height_;
  std::vector<Samples> samples_;
  std::vector<std::uint16_t> sums_;
  std::array<std::vector<std::uint8_t>, 2> wide_;
};

}  // namespace

bool can_make_jpeg_pixels() { return has_jpeg_vectors(); }

void make_jpeg_pixels(const JpegScan& scan, const JpegRows& coefficients, Tile& out) {
  Maker(scan, coefficients).fill(out);
}

}  // namespace tessera
