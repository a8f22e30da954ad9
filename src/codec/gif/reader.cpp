// SPDX-License-Identifier: Apache-2.0
// GIF: the first picture of an animation on its canvas, as browsers show it. What the picture does not cover
// is transparent.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/gif/lzw.hpp"

namespace tessera {
namespace {

constexpr int extension_mark = 0x21;
constexpr int picture_mark = 0x2C;
constexpr int graphic_control = 0xF9;
constexpr int has_table = 0x80;
constexpr int table_bits = 0x07;

using ColorTable = std::array<std::array<std::uint8_t, 3>, 256>;

struct GifLayout {
  Rect canvas;
  Rect picture;  ///< where the first picture lies; it may reach beyond the canvas
  bool interlaced = false;
  bool has_transparent = false;
  int transparent = 0;  ///< index
  ColorTable colors{};
  int code_bits = 0;
  std::int64_t data_offset = 0;  ///< of the first block of codes
  std::int64_t pictures = 0;
};

class GifScanner {
 public:
  GifScanner(const InputPtr& input, const ReadLimits& limits)
      : input_(*input), limits_(limits), stream_(input, header_bytes) {}

  GifLayout run() {
    // Where a file has no table, its first two colours are black and white.
    layout_.colors[1] = {255, 255, 255};
    screen();
    while (next_block()) {
    }
    if (layout_.pictures == 0) {
      if (ended_) {
        throw damaged(input_, ImageFormat::gif, "it ends before its first picture");
      }
      throw unsupported(input_, ImageFormat::gif, "it has no picture");
    }
    return layout_;
  }

 private:
  static constexpr std::int64_t header_bytes = 6;

  int byte() {
    const int value = stream_.get();
    if (value < 0) {
      ended_ = true;
    }
    return value;
  }
  /// Of a header that must be there.
  int needed_byte() {
    const int value = byte();
    if (value < 0) {
      throw damaged(input_, ImageFormat::gif, "it ends within its header");
    }
    return value;
  }
  int needed_word() {
    const int low = needed_byte();
    return low | needed_byte() << 8;
  }

  void screen() {
    layout_.canvas.width = needed_word();
    layout_.canvas.height = needed_word();
    const int flags = needed_byte();
    needed_byte();  // background colour: what is not covered is transparent
    needed_byte();  // shape of the pixels
    if ((flags & has_table) != 0) {
      color_table(flags);
    }
  }

  void color_table(int flags) {
    const std::size_t colors = std::size_t{2} << (flags & table_bits);
    for (std::size_t i = 0; i < colors; ++i) {
      for (std::uint8_t& value : layout_.colors[i]) {
        value = static_cast<std::uint8_t>(needed_byte());
      }
    }
  }

  bool next_block() {
    const int mark = byte();
    if (mark == extension_mark) {
      extension();
      return !ended_;
    }
    if (mark != picture_mark) {
      return false;  // the trailer, the end, or what others append
    }
    ++layout_.pictures;
    check_frames(input_, limits_, layout_.pictures);
    if (layout_.pictures == 1) {
      first_picture();
    } else {
      skip_picture();
    }
    skip_blocks();
    return !ended_;
  }

  void extension() {
    const bool control = byte() == graphic_control && layout_.pictures == 0;
    const int size = byte();
    if (size <= 0) {
      return;
    }
    const std::int64_t end = stream_.position() + size;
    constexpr int control_bytes = 4;
    if (control && size >= control_bytes) {
      layout_.has_transparent = (byte() & 1) != 0;
      byte();
      byte();  // delay
      layout_.transparent = byte();
    }
    stream_.seek(end);
    skip_blocks();
  }

  void skip_blocks() {
    for (int size = byte(); size > 0; size = byte()) {
      stream_.seek(stream_.position() + size);
    }
  }

  void first_picture() {
    Rect& at = layout_.picture;
    at.x = needed_word();
    at.y = needed_word();
    at.width = needed_word();
    at.height = needed_word();
    const int flags = needed_byte();
    layout_.interlaced = (flags & 0x40) != 0;
    if ((flags & has_table) != 0) {
      layout_.colors = {};
      color_table(flags);
    }
    layout_.code_bits = needed_byte();
    layout_.data_offset = stream_.position();
    // A canvas of no size takes that of its picture.
    if (layout_.canvas.width == 0 || layout_.canvas.height == 0) {
      layout_.canvas = {0, 0, at.x + at.width, at.y + at.height};
    }
    check_extent(input_, limits_, at.width, at.height);
    if (layout_.code_bits < 1 || layout_.code_bits > GifLzw::max_first_bits) {
      throw damaged(input_, ImageFormat::gif, fmt::format("its codes have {} bits", layout_.code_bits));
    }
  }

  void skip_picture() {
    constexpr int descriptor_bytes = 8;
    for (int i = 0; i < descriptor_bytes; ++i) {
      byte();
    }
    const int flags = byte();
    if (flags >= 0 && (flags & has_table) != 0) {
      constexpr std::int64_t color_bytes = 3;
      stream_.seek(stream_.position() + color_bytes * (std::int64_t{2} << (flags & table_bits)));
    }
    byte();  // bits of the codes
  }

  const Input& input_;
  const ReadLimits& limits_;
  InputStream stream_;
  GifLayout layout_;
  bool ended_ = false;
};

class GifDecoder final : public RowDecoder {
 public:
  GifDecoder(InputPtr input, const GifLayout& layout, bool alpha, bool salvage)
      : input_(std::move(input)), layout_(layout), alpha_(alpha), salvage_(salvage) {}

  void decode(std::int64_t y, std::byte* row) override {
    if (indices_.empty()) {
      unpack();
    }
    const std::int64_t channels = alpha_ ? 4 : 3;
    std::fill_n(row, layout_.canvas.width * channels, std::byte{0});
    const Rect& at = layout_.picture;
    if (y < at.y || y >= at.y + at.height) {
      return;
    }
    const std::uint16_t* const from = indices_.data() + stored_row(y - at.y) * at.width;
    for (std::int64_t x = at.x; x < std::min(layout_.canvas.width, at.x + at.width); ++x) {
      store(from[x - at.x], row + x * channels);
    }
  }

  RowState state(std::int64_t y) const override {
    const Rect& at = layout_.picture;
    if (y < at.y || y >= at.y + at.height) {
      return RowState::whole;
    }
    const std::int64_t begin = stored_row(y - at.y) * at.width;
    return begin + at.width <= unpacked_ ? RowState::whole
                                         : (begin < unpacked_ ? RowState::partial : RowState::lost);
  }

  Error damage() const override {
    return without_salvage_advice(damaged(*input_, ImageFormat::gif, reason_));
  }

 private:
  /// Where a row of the picture comes among those that are stored.
  [[nodiscard]] std::int64_t stored_row(std::int64_t y) const {
    if (!layout_.interlaced) {
      return y;
    }
    const std::int64_t height = layout_.picture.height;
    const auto rows_of_pass = [height](std::int64_t first, std::int64_t step) {
      return height > first ? (height - first - 1) / step + 1 : 0;
    };
    std::int64_t before = 0;
    for (const auto& [first, step] : {std::pair{0, 8}, {4, 8}, {2, 4}, {1, 2}}) {
      if (y % step == first) {
        return before + y / step;
      }
      before += rows_of_pass(first, step);
    }
    return 0;
  }

  void store(std::uint16_t index, std::byte* pixel) const {
    const bool there = index < layout_.colors.size();
    const bool clear = layout_.has_transparent && index == layout_.transparent;
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = there && !clear ? static_cast<std::byte>(layout_.colors[index][c]) : std::byte{0};
    }
    if (alpha_) {
      pixel[3] = clear ? std::byte{0} : std::byte{0xFF};
    }
  }

  void unpack() {
    // What is not there is a colour beyond the table, which is black.
    indices_.assign(static_cast<std::size_t>(layout_.picture.width * layout_.picture.height),
                    static_cast<std::uint16_t>(layout_.colors.size()));
    GifLzw codes(InputStream(input_, layout_.data_offset), layout_.code_bits);
    unpacked_ = static_cast<std::int64_t>(codes.read(indices_));
    if (unpacked_ == static_cast<std::int64_t>(indices_.size())) {
      return;
    }
    reason_ = fmt::format("its data {} at pixel {} of {}", codes.wrong() ? "make no sense" : "end", unpacked_,
                          indices_.size());
    if (!salvage_) {
      throw damaged(*input_, ImageFormat::gif, reason_);
    }
  }

  InputPtr input_;
  GifLayout layout_;
  bool alpha_;
  bool salvage_;
  std::vector<std::uint16_t> indices_;
  std::int64_t unpacked_ = 0;
  std::string reason_;
};

}  // namespace

StoredImage open_gif(const InputPtr& input, const ReadOptions& options) {
  const GifLayout layout = GifScanner(input, options.limits).run();
  const bool covered = layout.picture.contains(layout.canvas);
  const bool alpha = layout.has_transparent || !covered;
  ImageHeader header;
  header.info = {{layout.canvas.width, layout.canvas.height}, {Depth::u8, 3, alpha}};
  // The picture may be bigger than the canvas that shows a part of it.
  for (const Rect& held : {layout.canvas, layout.picture}) {
    const ImageInfo info{{held.width, held.height}, header.info.format};
    check_size(*input, options.limits, info, info.bytes(), Delivery::held);
    check_buffered(*input, options.limits, info.bytes(), "a GIF");
  }
  constexpr std::int64_t index_bytes = 2;
  header.working_bytes = layout.picture.width * layout.picture.height * index_bytes;
  std::vector<std::string> warnings;
  if (layout.pictures > 1) {
    warnings.push_back(only_first_is_used(layout.pictures, "pictures (an animation)"));
  }
  auto decoder = std::make_unique<GifDecoder>(input, layout, alpha, options.salvage);
  return {make_row_source(std::move(header), std::move(decoder), options.salvage), 1, std::move(warnings)};
}

}  // namespace tessera
