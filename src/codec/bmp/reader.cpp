// SPDX-License-Identifier: Apache-2.0
// Windows and OS/2 bitmaps: 1, 2, 4, 8, 16, 24 and 32 bits, bit fields, run-length coding, either way up.
#include <fmt/format.h>

#include <array>
#include <bit>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"

namespace tessera {
namespace {

constexpr std::uint32_t compression_none = 0;
constexpr std::uint32_t compression_rle8 = 1;
constexpr std::uint32_t compression_rle4 = 2;
constexpr std::uint32_t compression_fields = 3;
constexpr std::uint32_t compression_alpha_fields = 6;
constexpr std::int64_t file_header_bytes = 14;
constexpr std::int64_t info_header_bytes = 40;
constexpr std::int64_t core_header_bytes = 12;
constexpr std::size_t palette_entries = 256;

struct Color {
  std::byte red{0}, green{0}, blue{0};
};

struct BmpHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  int bits = 0;
  std::uint32_t compression = compression_none;
  std::int64_t data_offset = 0;
  std::array<std::uint32_t, 4> masks{};  ///< red, green, blue, alpha
  std::array<Color, palette_entries> palette{};
  Resolution resolution;
  [[nodiscard]] bool run_length() const {
    return compression == compression_rle8 || compression == compression_rle4;
  }
  [[nodiscard]] std::int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }
  [[nodiscard]] std::int64_t stored_row(std::int64_t y) const { return top_down ? y : height - 1 - y; }
};

class HeaderReader {
 public:
  HeaderReader(const Input& input, const ReadLimits& limits) : input_(&input), limits_(&limits) {}

  BmpHeader run() {
    header_.data_offset = number(10, 4);
    const std::int64_t header_bytes = number(file_header_bytes, 4);
    const bool core = header_bytes == core_header_bytes;
    extent(core);
    if (!core && header_bytes >= info_header_bytes) {
      header_.compression = number(30, 4);
      header_.resolution = {static_cast<double>(signed_number(38)), static_cast<double>(signed_number(42)),
                            Resolution::Unit::metre};
    }
    check_kind();
    masks(header_bytes);
    if (header_.bits <= 8) {
      const std::int64_t entry_bytes = core ? 3 : 4;
      mend_data_offset(file_header_bytes + header_bytes, colors(header_bytes) * entry_bytes);
      palette(header_bytes, entry_bytes);
    }
    return header_;
  }

 private:
  std::uint32_t number(std::int64_t offset, std::size_t bytes) const {
    std::array<std::byte, 4> raw{};
    if (!input_->read_all_at(offset, std::span(raw).first(bytes))) {
      throw damaged(*input_, ImageFormat::bmp,
                    fmt::format("it ends at byte {}, within its header", input_->size()));
    }
    return static_cast<std::uint32_t>(raw[0]) | static_cast<std::uint32_t>(raw[1]) << 8 |
           static_cast<std::uint32_t>(raw[2]) << 16 | static_cast<std::uint32_t>(raw[3]) << 24;
  }
  std::int64_t signed_number(std::int64_t offset) const {
    return static_cast<std::int32_t>(number(offset, 4));
  }

  void extent(bool core) {
    header_.width = core ? number(18, 2) : signed_number(18);
    header_.height = core ? number(20, 2) : signed_number(22);
    header_.bits = static_cast<int>(number(core ? 24 : 28, 2));
    header_.top_down = header_.height < 0;
    header_.height = header_.top_down ? -header_.height : header_.height;
    check_extent(*input_, *limits_, header_.width, header_.height);
  }

  void check_kind() const {
    const int bits = header_.bits;
    const auto fits = [&] {
      switch (header_.compression) {
        case compression_none:
          return bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32;
        case compression_rle8:
          return bits == 8;
        case compression_rle4:
          return bits == 4;
        case compression_fields:
        case compression_alpha_fields:
          return bits == 16 || bits == 32;
        default:
          return false;
      }
    };
    if (!fits()) {
      throw unsupported(*input_, ImageFormat::bmp,
                        fmt::format("it has {} bits a pixel with compression {}", bits, header_.compression));
    }
  }

  void masks(std::int64_t header_bytes) {
    constexpr std::int64_t masks_offset = file_header_bytes + info_header_bytes;
    constexpr std::int64_t header_with_alpha_bytes = 56;
    if (header_.compression == compression_fields || header_.compression == compression_alpha_fields) {
      const bool alpha =
          header_.compression == compression_alpha_fields || header_bytes >= header_with_alpha_bytes;
      for (std::size_t i = 0; i < (alpha ? 4U : 3U); ++i) {
        header_.masks[i] = number(masks_offset + static_cast<std::int64_t>(i) * 4, 4);
      }
    } else if (header_.bits == 16) {
      header_.masks = {0x7C00, 0x03E0, 0x001F, 0};
    } else {
      header_.masks = {0xFF0000, 0x00FF00, 0x0000FF, 0};
    }
  }

  /// That the header tells of, or that the depth has.
  [[nodiscard]] std::int64_t colors(std::int64_t header_bytes) const {
    const std::int64_t possible = std::int64_t{1} << header_.bits;
    const std::int64_t told = header_bytes >= info_header_bytes ? number(46, 4) : 0;
    return told == 0 ? possible : std::min(told, possible);
  }

  /// Some files say that their pixels begin where their palette does. A short palette with the pixels right
  /// behind it looks the same, but then there is no room for the whole palette and the pixels.
  void mend_data_offset(std::int64_t palette_begin, std::int64_t palette_bytes) {
    const std::int64_t behind = palette_begin + palette_bytes;
    if (header_.data_offset >= behind || header_.data_offset > palette_begin + palette_bytes / 2) {
      return;
    }
    constexpr std::int64_t size_field = 34;
    const std::int64_t told_bytes = header_.run_length() ? number(size_field, 4) : 0;
    const std::int64_t pixel_bytes =
        header_.run_length() ? told_bytes : header_.row_bytes() * (header_.height - 1) + 1;
    const bool fits_as_told = header_.data_offset + header_.row_bytes() * header_.height == input_->size();
    if (pixel_bytes > 0 && !fits_as_told && behind + pixel_bytes <= input_->size()) {
      header_.data_offset = behind;
    }
  }

  void palette(std::int64_t header_bytes, std::int64_t entry_bytes) {
    const std::int64_t begin = file_header_bytes + header_bytes;
    const std::int64_t room = std::max<std::int64_t>(0, header_.data_offset - begin) / entry_bytes;
    std::int64_t used = std::min<std::int64_t>(room, std::int64_t{1} << header_.bits);
    if (header_bytes >= info_header_bytes && number(46, 4) != 0) {
      used = std::min<std::int64_t>(used, number(46, 4));
    }
    for (std::int64_t i = 0; i < used; ++i) {
      const std::uint32_t entry = number(begin + i * entry_bytes, 3);
      header_.palette[static_cast<std::size_t>(i)] = {static_cast<std::byte>(entry >> 16 & 255),
                                                      static_cast<std::byte>(entry >> 8 & 255),
                                                      static_cast<std::byte>(entry & 255)};
    }
  }

  const Input* input_;
  const ReadLimits* limits_;
  BmpHeader header_;
};

// A field of any width onto 0..255, rounded.
std::byte scale_field(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) {
    return std::byte{0};
  }
  const int shift = std::countr_zero(mask);
  const std::uint64_t max = mask >> shift;
  return static_cast<std::byte>((std::uint64_t{(pixel & mask) >> shift} * 255 + max / 2) / max);
}

void store_color(const Color& color, std::byte* row, std::int64_t x) {
  row[3 * x] = color.red;
  row[3 * x + 1] = color.green;
  row[3 * x + 2] = color.blue;
}

class PlainBmp final : public RowDecoder {
 public:
  PlainBmp(InputPtr input, const BmpHeader& header)
      : input_(std::move(input)), header_(header), packed_(static_cast<std::size_t>(header.row_bytes())) {}

  bool random_access() const override { return true; }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    const std::int64_t first = std::min(header_.stored_row(rows.begin), header_.stored_row(rows.end - 1));
    const ByteSpan span{header_.data_offset + first * header_.row_bytes(), rows.size() * header_.row_bytes()};
    input_->read_ahead(std::span(&span, 1), max_bytes);
  }

  void decode(std::int64_t y, std::byte* row) override {
    // The padding of the last row is often left out.
    const std::int64_t needed = (header_.width * header_.bits + 7) / 8;
    if (!input_->read_all_at(header_.data_offset + header_.stored_row(y) * header_.row_bytes(),
                             std::span(packed_).first(static_cast<std::size_t>(needed)))) {
      throw damaged(*input_, ImageFormat::bmp,
                    fmt::format("row {} of {} is not there: the file is cut off", y, header_.height));
    }
    if (header_.bits <= 8) {
      indexed(row);
    } else if (header_.bits == 24) {
      for (std::int64_t x = 0; x < header_.width; ++x) {
        const std::byte* from = packed_.data() + 3 * x;
        store_color({from[2], from[1], from[0]}, row, x);
      }
    } else {
      fields(row);
    }
  }

 private:
  void indexed(std::byte* row) const {
    const std::int64_t per_byte = 8 / header_.bits;
    const int mask = (1 << header_.bits) - 1;
    for (std::int64_t x = 0; x < header_.width; ++x) {
      const int shift = 8 - header_.bits * static_cast<int>(x % per_byte + 1);
      const int index = static_cast<int>(packed_[static_cast<std::size_t>(x / per_byte)]) >> shift & mask;
      store_color(header_.palette[static_cast<std::size_t>(index)], row, x);
    }
  }

  void fields(std::byte* row) const {
    const int bytes = header_.bits / 8;
    const bool alpha = header_.masks[3] != 0;
    const std::int64_t channels = alpha ? 4 : 3;
    for (std::int64_t x = 0; x < header_.width; ++x) {
      std::uint32_t pixel = 0;
      for (int i = bytes - 1; i >= 0; --i) {
        pixel = pixel << 8 | static_cast<std::uint32_t>(packed_[static_cast<std::size_t>(x * bytes + i)]);
      }
      for (std::int64_t c = 0; c < channels; ++c) {
        row[x * channels + c] = scale_field(pixel, header_.masks[static_cast<std::size_t>(c)]);
      }
    }
  }

  InputPtr input_;
  BmpHeader header_;
  Bytes packed_;
};

// Runs may jump about within the image, so all of it is unpacked first, to palette indices.
class RunLengthBmp final : public RowDecoder {
 public:
  RunLengthBmp(InputPtr input, const BmpHeader& header, bool salvage)
      : input_(std::move(input)), header_(header), stream_(input_, header.data_offset), salvage_(salvage) {}

  RowState state(std::int64_t y) const override {
    const std::int64_t stored = header_.stored_row(y);
    return !cut_off_ || stored < row_ ? RowState::whole
                                      : (stored == row_ && x_ > 0 ? RowState::partial : RowState::lost);
  }
  Error damage() const override {
    return without_salvage_advice(damaged(*input_, ImageFormat::bmp, "it ends before its first pixel"));
  }

  void decode(std::int64_t y, std::byte* row) override {
    if (indices_.empty()) {
      indices_.assign(static_cast<std::size_t>(header_.width * header_.height), std::byte{0});
      unpack();
    }
    const std::byte* from = indices_.data() + header_.stored_row(y) * header_.width;
    for (std::int64_t x = 0; x < header_.width; ++x) {
      store_color(header_.palette[static_cast<std::size_t>(from[x])], row, x);
    }
  }

 private:
  void unpack() {
    for (;;) {
      const int count = stream_.get();
      const int value = stream_.get();
      if (value < 0) {
        cut_off();
        return;
      }
      if (count > 0) {
        for (int i = 0; i < count; ++i) {
          put(header_.bits == 8 ? value : (i % 2 == 0 ? value >> 4 : value & 15));
        }
      } else if (value == 0) {
        x_ = 0;
        ++row_;
      } else if (value == 1) {
        return;
      } else if (value == 2) {
        x_ += std::max(0, stream_.get());
        row_ += std::max(0, stream_.get());
      } else if (!literal(value)) {
        cut_off();
        return;
      }
    }
  }

  // `count` pixels as they are, padded to an even number of bytes.
  bool literal(int count) {
    const int bytes = header_.bits == 8 ? count : (count + 1) / 2;
    for (int i = 0; i < bytes; ++i) {
      const int value = stream_.get();
      if (value < 0) {
        return false;
      }
      if (header_.bits == 8) {
        put(value);
      } else {
        put(value >> 4);
        if (2 * i + 1 < count) {
          put(value & 15);
        }
      }
    }
    if (bytes % 2 == 1) {
      stream_.get();
    }
    return true;
  }

  // Encoders are known to run over the edge; what is outside is lost, as in every other reader.
  void put(int index) {
    if (x_ < header_.width && row_ < header_.height) {
      indices_[static_cast<std::size_t>(row_ * header_.width + x_)] = static_cast<std::byte>(index);
    }
    ++x_;
  }

  void cut_off() {
    cut_off_ = true;
    if (!salvage_) {
      throw damaged(*input_, ImageFormat::bmp,
                    fmt::format("it ends at byte {}, within its pixels", input_->size()));
    }
  }

  InputPtr input_;
  BmpHeader header_;
  InputStream stream_;
  bool salvage_;
  Bytes indices_;
  std::int64_t x_ = 0;
  std::int64_t row_ = 0;
  bool cut_off_ = false;
};

}  // namespace

StoredImage open_bmp(const InputPtr& input, const ReadOptions& options) {
  const BmpHeader layout = HeaderReader(*input, options.limits).run();
  const bool alpha = layout.bits > 8 && layout.masks[3] != 0;
  ImageHeader header;
  header.info = {{layout.width, layout.height}, {Depth::u8, 3, alpha}};
  header.metadata.resolution = layout.resolution;
  check_size(*input, options.limits, header.info, layout.row_bytes() * layout.height,
             layout.run_length() ? Delivery::held : Delivery::streamed);
  if (layout.run_length()) {
    header.working_bytes = layout.width * layout.height;
    check_buffered(*input, options.limits, header.working_bytes, "a run-length coded BMP");
    return {make_row_source(std::move(header), std::make_unique<RunLengthBmp>(input, layout, options.salvage),
                            options.salvage),
            1};
  }
  const std::int64_t last_row_bytes = (layout.width * layout.bits + 7) / 8;
  const std::int64_t end = layout.data_offset + layout.row_bytes() * (layout.height - 1) + last_row_bytes;
  if (!options.salvage && end > input->size()) {
    throw damaged(*input, ImageFormat::bmp,
                  fmt::format("{} x {} pixels end at byte {}, but the file has {} bytes", layout.width,
                              layout.height, end, input->size()));
  }
  return {make_row_source(std::move(header), std::make_unique<PlainBmp>(input, layout), options.salvage), 1};
}

}  // namespace tessera
