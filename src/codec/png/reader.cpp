// SPDX-License-Identifier: Apache-2.0
// PNG row by row: the plain kinds by our own decoder, the others through libspng.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spng.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "codec/common/native_readers.hpp"
#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/metadata/exif.hpp"
#include "codec/png/chunks.hpp"
#include "codec/png/fast.hpp"

namespace tessera {
namespace {

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

class PngDecoder final : public RowDecoder {
 public:
  PngDecoder(InputPtr input, PngLayout layout, const ImageInfo& info, bool salvage)
      : input_(std::move(input)),
        reader_(input_, std::move(layout.needed)),
        context_(spng_ctx_new(0)),
        info_(info),
        interlaced_(layout.interlaced),
        salvage_(salvage) {
    if (!context_) {
      throw std::bad_alloc();
    }
    check(spng_set_png_stream(context_.get(), &PngDecoder::feed, this));
    // With salvage a wrong checksum does not keep a chunk from being used.
    const int action = salvage ? SPNG_CRC_USE : SPNG_CRC_ERROR;
    check(spng_set_crc_action(context_.get(), action, action));
    check(spng_set_image_limits(context_.get(), spng_max_side, spng_max_side));
    spng_ihdr seen{};
    check(spng_get_ihdr(context_.get(), &seen));
    if (seen.width != layout.width || seen.height != layout.height || seen.bit_depth != layout.bit_depth ||
        seen.color_type != layout.color_type) {
      throw damaged(*input_, ImageFormat::png, "its headers contradict each other");
    }
    check(spng_decode_image(context_.get(), nullptr, 0, pixel_format(layout),
                            SPNG_DECODE_PROGRESSIVE | (info.format.alpha ? SPNG_DECODE_TRNS : 0)));
    std::size_t bytes = 0;
    check(spng_decoded_image_size(context_.get(), pixel_format(layout), &bytes));
    if (bytes != static_cast<std::size_t>(info.bytes())) {
      throw Error(ErrorCode::internal,
                  fmt::format("The PNG image {} is {} by its header, but decodes to {} bytes.",
                              input_->name(), info.format.describe(), bytes),
                  input_->name());
    }
  }

  void decode(std::int64_t y, std::byte* row) override {
    if (interlaced_) {
      hold();
      std::memcpy(row, held_.data() + y * info_.row_bytes(), static_cast<std::size_t>(info_.row_bytes()));
      return;
    }
    const int state = spng_decode_row(context_.get(), row, static_cast<std::size_t>(info_.row_bytes()));
    if (state != 0 && state != SPNG_EOI) {
      fail(state, y);
    }
  }

  RowState state(std::int64_t y) const override {
    if (!interlaced_ || complete_) {
      return RowState::whole;
    }
    return pixels_of_row_.at(static_cast<std::size_t>(y)) ? RowState::partial : RowState::lost;
  }
  Error damage() const override {
    return without_salvage_advice(damaged(*input_, ImageFormat::png, "none of its rows can be decoded"));
  }

  void finish() override {
    const int state = spng_decode_chunks(context_.get());
    if (state != 0) {
      throw damaged(*input_, ImageFormat::png, fmt::format("behind the last row, {}", spng_strerror(state)));
    }
  }

 private:
  static constexpr std::uint32_t spng_max_side = 0x7FFFFFFF;

  // libspng expands what has fewer than 8 bits only to these; 16 bits without transparency stay as they are.
  int pixel_format(const PngLayout& layout) const {
    const bool wide = info_.format.depth == Depth::u16;
    const bool palette = layout.color_type == SPNG_COLOR_TYPE_INDEXED;
    if (info_.format.channels == 1) {
      if (info_.format.alpha) {
        return layout.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? SPNG_FMT_PNG
                                                                    : (wide ? SPNG_FMT_GA16 : SPNG_FMT_GA8);
      }
      return wide ? SPNG_FMT_PNG : SPNG_FMT_G8;
    }
    if (info_.format.alpha) {
      return wide ? SPNG_FMT_RGBA16 : SPNG_FMT_RGBA8;
    }
    return wide && !palette ? SPNG_FMT_PNG : SPNG_FMT_RGB8;
  }

  static int feed(spng_ctx*, void* self, void* to, std::size_t bytes) {
    auto* const decoder = static_cast<PngDecoder*>(self);
    try {
      const std::size_t got = decoder->reader_.read({static_cast<std::byte*>(to), bytes});
      return got == bytes ? 0 : SPNG_IO_EOF;
    } catch (...) {
      decoder->failure_ = std::current_exception();
      return SPNG_IO_ERROR;
    }
  }

  void check(int state) {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (state != 0) {
      throw damaged(*input_, ImageFormat::png, spng_strerror(state));
    }
  }

  [[noreturn]] void fail(int state, std::int64_t y) {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    throw damaged(
        *input_, ImageFormat::png,
        fmt::format("row {} of {} cannot be decoded ({})", y, info_.extent.height, spng_strerror(state)));
  }

  // Black and opaque.
  void blank() {
    std::fill(held_.begin(), held_.end(), std::byte{0});
    const std::size_t sample = static_cast<std::size_t>(info_.format.bytes_per_sample());
    const std::size_t pixel = static_cast<std::size_t>(info_.format.bytes_per_pixel());
    for (std::size_t at = pixel - sample; info_.format.alpha && at < held_.size(); at += pixel) {
      std::fill_n(held_.begin() + static_cast<std::ptrdiff_t>(at), sample, std::byte{0xFF});
    }
  }

  // All passes of an interlaced image.
  void hold() {
    if (!held_.empty()) {
      return;
    }
    held_.resize(static_cast<std::size_t>(info_.bytes()));
    if (salvage_) {
      blank();
    }
    pixels_of_row_.assign(static_cast<std::size_t>(info_.extent.height), false);
    spng_row_info row{};
    int state = 0;
    while ((state = spng_get_row_info(context_.get(), &row)) == 0) {
      state = spng_decode_row(context_.get(), held_.data() + row.row_num * info_.row_bytes(),
                              static_cast<std::size_t>(info_.row_bytes()));
      if (state == SPNG_EOI) {
        complete_ = true;
        return;
      }
      if (state != 0) {
        break;
      }
      pixels_of_row_[row.row_num] = true;
    }
    if (state != SPNG_EOI && !salvage_) {
      fail(state, row.row_num);
    }
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

  InputPtr input_;
  SegmentReader reader_;
  std::unique_ptr<spng_ctx, FreeContext> context_;
  ImageInfo info_;
  bool interlaced_;
  bool salvage_;
  std::exception_ptr failure_;
  Bytes held_;
  bool complete_ = false;            ///< all passes of an interlaced image were there
  std::vector<bool> pixels_of_row_;  ///< of an interlaced image: whether a pass has filled some
};

PixelFormat format_of(const PngLayout& layout, const Input& input) {
  const bool palette = layout.color_type == SPNG_COLOR_TYPE_INDEXED;
  switch (layout.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
    case SPNG_COLOR_TYPE_TRUECOLOR:
    case SPNG_COLOR_TYPE_INDEXED:
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
    case SPNG_COLOR_TYPE_TRUECOLOR_ALPHA:
      break;
    default:
      throw damaged(input, ImageFormat::png,
                    fmt::format("its colour type {} does not exist", layout.color_type));
  }
  const bool own_alpha = (layout.color_type & 4) != 0;
  return {layout.bit_depth == 16 ? Depth::u16 : Depth::u8, palette || (layout.color_type & 2) != 0 ? 3 : 1,
          own_alpha || layout.transparency};
}

int stored_channels(const PngLayout& layout) {
  if (layout.color_type == SPNG_COLOR_TYPE_INDEXED) {
    return 1;
  }
  return ((layout.color_type & 2) != 0 ? 3 : 1) + ((layout.color_type & 4) != 0 ? 1 : 0);
}

std::vector<std::string> warnings_of(const PngLayout& layout) {
  std::set<std::string> keywords(layout.texts_left_out.begin(), layout.texts_left_out.end());
  constexpr std::size_t max_named = 8;
  if (keywords.empty()) {
    return {};
  }
  const std::size_t count = keywords.size();
  std::vector<std::string> named(
      keywords.begin(), std::next(keywords.begin(), static_cast<std::ptrdiff_t>(std::min(count, max_named))));
  return {fmt::format("{} of the PNG {} not carried over: {}{}.", count == 1 ? "A text" : "Texts",
                      count == 1 ? "is" : "are", fmt::join(named, ", "),
                      count > max_named ? fmt::format(" and {} more", count - max_named) : "")};
}

}  // namespace

StoredImage open_png(const InputPtr& input, const ReadOptions& options) {
  PngLayout layout = scan_png(input, options.limits, options.salvage);
  ImageHeader header;
  header.info = {{layout.width, layout.height}, format_of(layout, *input)};
  const std::int64_t row_bits = std::int64_t{layout.width} * layout.bit_depth * stored_channels(layout);
  const std::int64_t packed_bytes = ((row_bits + 7) / 8 + 1) * layout.height;
  check_size(*input, options.limits, header.info, packed_bytes,
             layout.interlaced ? Delivery::held : Delivery::streamed);
  if (layout.interlaced) {
    check_buffered(*input, options.limits, header.info.bytes(), "an interlaced PNG");
    header.working_bytes = header.info.bytes();
  }
  // Stored without compression, data grows by five bytes in 64 KB at most, in tiny blocks by a few times.
  constexpr std::int64_t allowance_bytes = 4096;
  if (!options.salvage && layout.data_bytes / 4 > packed_bytes + allowance_bytes / 4) {
    throw damaged(*input, ImageFormat::png,
                  fmt::format("it carries {} bytes of pixel data where {} unpacked bytes "
                              "make its {} x {} pixels",
                              layout.data_bytes, packed_bytes, layout.width, layout.height));
  }
  std::vector<std::string> warnings = warnings_of(layout);
  if (layout.frames > 1) {
    warnings.push_back(only_first_is_used(layout.frames, "pictures (an animation)"));
  }
  header.metadata = std::move(layout.metadata);
  const int orientation = exif_orientation(header.metadata.exif);
  std::unique_ptr<RowDecoder> decoder;
  if (native_readers_enabled() && is_plain(layout) && !options.salvage) {
    decoder = make_plain_png_decoder(input, std::move(layout), header.info);
  } else {
    decoder = std::make_unique<PngDecoder>(input, std::move(layout), header.info, options.salvage);
  }
  return {make_row_source(std::move(header), std::move(decoder), options.salvage), orientation,
          std::move(warnings)};
}

}  // namespace tessera
