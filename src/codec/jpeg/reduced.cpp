// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/reduced.hpp"

#include <algorithm>
#include <vector>

#include "codec/jpeg/reduced_transform.hpp"
#include "codec/jpeg/vectors.hpp"

namespace tessera {
namespace {

std::uint8_t clamped(int level) { return static_cast<std::uint8_t>(std::clamp(level, 0, 255)); }

/// As jpeg_row_to_rgb(), on every machine.
void to_rgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red, std::int64_t width,
            std::uint8_t* out) {
  if (has_jpeg_vectors()) {
    jpeg_row_to_rgb(luma, blue, red, width, out);
    return;
  }
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
class Plane {
 public:
  Plane(const JpegScan& scan, int factor, std::size_t component)
      : component_(component),
        lines_(scan.rows_of(component)),
        blocks_across_(scan.mcus_across() * scan.columns_of(component)),
        transform_(reduced_jpeg_block(scan, factor, component), scan.components[component].quantizers),
        stride_((blocks_across_ + JpegFrequencies::blocks_at_once) * transform_.block().columns + jpeg_slack),
        samples_(static_cast<std::size_t>(stride_ * transform_.block().rows * lines_)) {}

  void fill(const JpegFrequencies& frequencies) {
    const std::size_t plane_size = frequencies.layout().component(component_).plane_size;
    for (int line = 0; line < lines_; ++line) {
      transform_.run(frequencies.line(component_, line), plane_size, blocks_across_,
                     samples_.data() + line * transform_.block().rows * stride_, stride_);
    }
  }
  [[nodiscard]] const std::uint8_t* line(std::int64_t y) const { return samples_.data() + y * stride_; }

 private:
  std::size_t component_;
  int lines_;
  std::int64_t blocks_across_;
  ReducedTransform transform_;
  std::int64_t stride_;
  std::vector<std::uint8_t> samples_;
};

}  // namespace

Interval reduced_jpeg_rows_for(const JpegScan& scan, int factor, const Interval& rows) {
  const std::int64_t height = scan.mcu_height() / factor;
  return {rows.begin / height, std::min(scan.mcus_down(), (rows.end + height - 1) / height)};
}

void make_reduced_jpeg_pixels(const JpegScan& scan, const ReducedJpegRows& frequencies, int factor,
                              Tile& out) {
  std::vector<Plane> planes;
  for (std::size_t component = 0; component < scan.components.size(); ++component) {
    planes.emplace_back(scan, factor, component);
  }
  const Interval wanted = out.rect.rows();
  const std::int64_t height = scan.mcu_height() / factor;
  const Interval needed = reduced_jpeg_rows_for(scan, factor, wanted);
  for (std::int64_t mcu = needed.begin; mcu < needed.end; ++mcu) {
    for (Plane& plane : planes) {
      plane.fill(*frequencies.rows[static_cast<std::size_t>(mcu - frequencies.first)]);
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
