// SPDX-License-Identifier: Apache-2.0
// HEIF and AVIF: libheif decodes them, by way of libvips, with what it gets wrong put right.
#include <algorithm>
#include <cmath>

#include "codec/common/openers.hpp"
#include "codec/heif/boxes.hpp"

namespace tessera {
namespace {

/// Samples from the range of video onto the full one. libheif leaves gray pictures as they are.
class FullRangeSource final : public Source {
 public:
  FullRangeSource(std::unique_ptr<Source> source, int bits) : source_(std::move(source)) {
    const int most = source_->info().format.max_value();
    const int shift = source_->info().format.depth == Depth::u16 ? 16 - bits : 0;
    const double black = std::ldexp(16, bits - 8);
    const double range = std::ldexp(235 - 16, bits - 8);
    values_.resize(static_cast<std::size_t>(most) + 1);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const double stored = static_cast<double>(i >> shift);
      values_[i] = static_cast<std::uint16_t>(
          std::clamp(std::lround((stored - black) * most / range), 0L, static_cast<long>(most)));
    }
  }
  const ImageInfo& info() const override { return source_->info(); }
  const Metadata& metadata() const override { return source_->metadata(); }
  bool random_access() const override { return source_->random_access(); }
  std::int64_t working_bytes() const override { return source_->working_bytes(); }
  std::vector<std::string> warnings() const override { return source_->warnings(); }
  void read_rows(Tile& out) override {
    source_->read_rows(out);
    for (int y = 0; y < out.color.rows; ++y) {
      if (out.color.depth() == CV_16U) {
        widen(out.color.ptr<std::uint16_t>(y), out.color.cols * out.color.channels());
      } else {
        widen(out.color.ptr<std::uint8_t>(y), out.color.cols * out.color.channels());
      }
    }
  }

 private:
  template <class Sample>
  void widen(Sample* row, int samples) const {
    for (int i = 0; i < samples; ++i) {
      row[i] = static_cast<Sample>(values_[row[i]]);
    }
  }

  std::unique_ptr<Source> source_;
  std::vector<std::uint16_t> values_;
};

}  // namespace

StoredImage open_heif(const InputPtr& input, ImageFormat format, const ReadOptions& options) {
  const HeifLayout layout = read_heif_layout(input);
  if (!layout.has_still && layout.has_sequence) {
    throw unsupported(*input, format, "it has no still picture, only a sequence");
  }
  StoredImage image = open_vips(layout.ordered, format, options);
  const bool wide = image.source->info().format.depth == Depth::u16;
  if (layout.limited_gray_bits && wide == (*layout.limited_gray_bits > 8)) {
    image.source = std::make_unique<FullRangeSource>(std::move(image.source), *layout.limited_gray_bits);
  }
  if (layout.has_sequence) {
    image.warnings.emplace_back("The file is an animation; only its still picture is used.");
  }
  return image;
}

}  // namespace tessera
