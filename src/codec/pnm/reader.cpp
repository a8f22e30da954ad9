// SPDX-License-Identifier: Apache-2.0
// PBM, PGM and PPM, plain and raw (netpbm's pbm(5), pgm(5), ppm(5)).
#include <fmt/format.h>

#include <cctype>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"

namespace tessera {
namespace {

struct PnmHeader {
  int kind = 0;  ///< the digit after P
  std::int64_t width = 0;
  std::int64_t height = 0;
  int max_value = 1;
  std::int64_t data_offset = 0;
  [[nodiscard]] bool plain() const { return kind <= 3; }
  [[nodiscard]] bool bitmap() const { return kind == 1 || kind == 4; }
  [[nodiscard]] int channels() const { return kind == 3 || kind == 6 ? 3 : 1; }
  [[nodiscard]] bool wide() const { return max_value > 255; }
  [[nodiscard]] std::int64_t samples() const { return width * channels(); }
  [[nodiscard]] std::int64_t raw_row_bytes() const {
    return bitmap() ? (width + 7) / 8 : samples() * (wide() ? 2 : 1);
  }
};

// Whitespace and comments before a number of the header or of a plain raster.
int skip_space(InputStream& stream) {
  int byte = stream.get();
  while (byte >= 0 && (std::isspace(byte) != 0 || byte == '#')) {
    if (byte == '#') {
      while (byte >= 0 && byte != '\n' && byte != '\r') {
        byte = stream.get();
      }
    } else {
      byte = stream.get();
    }
  }
  return byte;
}

// Also takes the one byte after the number. -1: no number, or none that fits.
std::int64_t read_number(InputStream& stream) {
  constexpr std::int64_t enough = std::int64_t{1} << 40;
  int byte = skip_space(stream);
  if (byte < '0' || byte > '9') {
    return -1;
  }
  std::int64_t value = 0;
  for (; byte >= '0' && byte <= '9'; byte = stream.get()) {
    value = value * 10 + (byte - '0');
    if (value > enough) {
      return enough;
    }
  }
  return value;
}

PnmHeader read_header(const InputPtr& input, const ReadLimits& limits) {
  InputStream stream(input, 1);
  PnmHeader header;
  header.kind = stream.get() - '0';
  header.width = read_number(stream);
  header.height = read_number(stream);
  check_extent(*input, limits, header.width, header.height);
  if (!header.bitmap()) {
    const std::int64_t max_value = read_number(stream);
    if (max_value < 1 || max_value > 65535) {
      throw damaged(*input, ImageFormat::pnm,
                    fmt::format("its highest value is {}; it must be 1 to 65535", max_value));
    }
    header.max_value = static_cast<int>(max_value);
  }
  header.data_offset = stream.position();
  return header;
}

class PnmDecoder : public RowDecoder {
 public:
  PnmDecoder(InputPtr input, const PnmHeader& header) : input_(std::move(input)), header_(header) {}

 protected:
  [[nodiscard]] const PnmHeader& header() const { return header_; }
  [[nodiscard]] const InputPtr& input() const { return input_; }

  [[noreturn]] void fail(std::int64_t y, std::string_view what) const {
    throw damaged(*input_, ImageFormat::pnm, fmt::format("row {} of {} {}", y, header_.height, what));
  }

  // Onto the full range of the depth.
  void store(std::byte* row, std::int64_t index, int value, std::int64_t y) const {
    if (value > header_.max_value) {
      fail(y, fmt::format("has the value {}, above the highest, {}", value, header_.max_value));
    }
    const int full = header_.wide() ? 65535 : 255;
    const auto scaled = static_cast<std::uint32_t>(
        (static_cast<std::int64_t>(value) * full + header_.max_value / 2) / header_.max_value);
    if (header_.wide()) {
      reinterpret_cast<std::uint16_t*>(row)[index] = static_cast<std::uint16_t>(scaled);
    } else {
      row[index] = static_cast<std::byte>(scaled);
    }
  }

 private:
  InputPtr input_;
  PnmHeader header_;
};

class RawDecoder final : public PnmDecoder {
 public:
  RawDecoder(InputPtr input, const PnmHeader& header)
      : PnmDecoder(std::move(input), header), packed_(static_cast<std::size_t>(header.raw_row_bytes())) {}

  bool random_access() const override { return true; }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    const std::int64_t row_bytes = std::ssize(packed_);
    const ByteSpan span{header().data_offset + rows.begin * row_bytes, rows.size() * row_bytes};
    input()->read_ahead(std::span(&span, 1), max_bytes);
  }

  void decode(std::int64_t y, std::byte* row) override {
    if (spans_depth() && !header().wide()) {
      read(y, {row, packed_.size()});
      return;
    }
    read(y, packed_);
    if (spans_depth()) {
      auto* samples = reinterpret_cast<std::uint16_t*>(row);
      for (std::int64_t i = 0; i < header().samples(); ++i) {
        samples[i] = big_endian(i);
      }
      return;
    }
    for (std::int64_t i = 0; i < header().samples(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (header().bitmap()) {
        const int black = static_cast<int>(packed_[at / 8]) >> (7 - at % 8) & 1;
        store(row, i, 1 - black, y);
      } else {
        store(row, i, header().wide() ? big_endian(i) : static_cast<int>(packed_[at]), y);
      }
    }
  }

 private:
  /// What nearly every file is: its values are those of the depth, with nothing to check or to scale.
  [[nodiscard]] bool spans_depth() const {
    return !header().bitmap() && header().max_value == (header().wide() ? 65535 : 255);
  }
  void read(std::int64_t y, std::span<std::byte> bytes) const {
    if (!input()->read_all_at(header().data_offset + y * header().raw_row_bytes(), bytes)) {
      fail(y, "is not there: the file is cut off");
    }
  }
  [[nodiscard]] std::uint16_t big_endian(std::int64_t index) const {
    const auto at = static_cast<std::size_t>(2 * index);
    return static_cast<std::uint16_t>(static_cast<unsigned>(packed_[at]) << 8 |
                                      static_cast<unsigned>(packed_[at + 1]));
  }

  Bytes packed_;
};

class PlainDecoder final : public PnmDecoder {
 public:
  PlainDecoder(InputPtr input, const PnmHeader& header)
      : PnmDecoder(std::move(input), header), stream_(this->input(), header.data_offset) {}

  void decode(std::int64_t y, std::byte* row) override {
    for (std::int64_t i = 0; i < header().samples(); ++i) {
      const std::int64_t value = header().bitmap() ? read_bit() : read_number(stream_);
      if (value < 0) {
        fail(y, "is cut off or holds something that is not a number");
      }
      store(row, i, static_cast<int>(std::min<std::int64_t>(value, 1 << 20)), y);
    }
  }

 private:
  // Bits may follow each other without space between them.
  std::int64_t read_bit() {
    const int byte = skip_space(stream_);
    return byte == '0' || byte == '1' ? '1' - byte : -1;
  }

  InputStream stream_;
};

}  // namespace

StoredImage open_pnm(const InputPtr& input, const ReadOptions& options) {
  const PnmHeader layout = read_header(input, options.limits);
  ImageHeader header;
  header.info = {{layout.width, layout.height},
                 {layout.wide() ? Depth::u16 : Depth::u8, layout.channels(), false}};
  // A digit and a space for each sample; the bits of a bitmap need no space.
  const std::int64_t plain_row_bytes = layout.samples() * (layout.bitmap() ? 1 : 2);
  const std::int64_t data_bytes = layout.height * (layout.plain() ? plain_row_bytes : layout.raw_row_bytes());
  check_size(*input, options.limits, header.info, data_bytes, Delivery::streamed);
  // The last number of a plain file needs no space behind it.
  if (!options.salvage && data_bytes > input->size() - layout.data_offset + (layout.plain() ? 1 : 0)) {
    throw damaged(*input, ImageFormat::pnm,
                  fmt::format("{} x {} pixels take {} bytes, of which {} are there", layout.width,
                              layout.height, data_bytes, input->size() - layout.data_offset));
  }
  std::unique_ptr<RowDecoder> decoder;
  if (layout.plain()) {
    decoder = std::make_unique<PlainDecoder>(input, layout);
  } else {
    decoder = std::make_unique<RawDecoder>(input, layout);
  }
  return {make_row_source(std::move(header), std::move(decoder), options.salvage), 1};
}

}  // namespace tessera
