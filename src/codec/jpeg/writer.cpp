// SPDX-License-Identifier: Apache-2.0
// JPEG in pieces of one row of MCUs, each encoded alone; their entropy-coded segments are joined behind one
// header by restart markers, which every piece but the first begins with. The bytes are those of one encode of the whole image with restart_in_rows = 1.
#include <array>
#include <span>

#include "codec/common/sinks.hpp"
#include "codec/jpeg/encoder.hpp"
#include "codec/metadata/for_result.hpp"

namespace tessera {
namespace {

class JpegSink final : public FormatSink {
 public:
  JpegSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, Metadata metadata,
           const WriteOptions& options)
      : FormatSink(std::move(file)),
        info_(info),
        metadata_(std::move(metadata)),
        quality_(options.quality),
        background_(options.background) {
    // The format has room for 65535, but libjpeg, and with it nearly every reader, stops at 65500.
    check_side(info, 65500, "JPEG", "PNG or TIFF");
    share(this->file());
  }

  std::int64_t piece_rows() const override {
    return jpeg_halves_chroma(info_.format.channels, quality_) ? 16 : 8;
  }

  /// The piece as a JPEG of its own, from which the scan is taken.
  EncodingCost encoding_cost() const override { return {.bodies = 1}; }

  EncodedPiece encode(const Tile& piece) const override {
    const Bytes whole = encode_jpeg(piece, {quality_, background_, 1});
    const std::size_t scan = scan_start(whole);
    EncodedPiece out;
    const std::int64_t number = piece.rect.y / piece_rows();
    if (number == 0) {
      append_bytes(out.index, whole.data(), scan);
    } else {
      const std::array<std::uint8_t, 2> restart{0xff, static_cast<std::uint8_t>(0xd0 + (number - 1) % 8)};
      append_bytes(out.body, restart.data(), restart.size());
    }
    append_bytes(out.body, whole.data() + scan, whole.size() - scan - 2);  // without its end-of-image marker
    return out;
  }

  void append(const EncodedPiece& piece) override {
    if (!piece.index.empty()) {
      write_header(piece.index);
    }
    file()->write(piece.body);
  }

  void skip(std::span<const std::byte>, std::int64_t body_bytes) override { file()->skip(body_bytes); }

  void finish() override {
    static constexpr std::array<std::uint8_t, 2> end_of_image{0xff, 0xd9};
    file()->write(std::as_bytes(std::span(end_of_image)));
    file()->commit();
  }

 private:
  /// Offset of the entropy-coded data: behind the start-of-scan segment.
  static std::size_t scan_start(std::span<const std::byte> jpeg) {
    std::size_t at = 2;
    for (;;) {
      const auto marker = static_cast<std::uint8_t>(jpeg[at + 1]);
      const std::size_t length =
          static_cast<std::size_t>(jpeg[at + 2]) * 256 + static_cast<std::size_t>(jpeg[at + 3]);
      at += 2 + length;
      if (marker == 0xda) {
        return at;
      }
    }
  }

  /// Of the first piece, made that of the whole.
  void write_header(Bytes header) {
    const Bytes segments = jpeg_metadata_segments(metadata_);
    std::size_t behind_jfif = 2;
    for (std::size_t at = 2; at + 3 < header.size();) {
      const auto marker = static_cast<std::uint8_t>(header[at + 1]);
      const std::size_t length =
          static_cast<std::size_t>(header[at + 2]) * 256 + static_cast<std::size_t>(header[at + 3]);
      if (marker == 0xc0 || marker == 0xc1) {
        header[at + 5] = static_cast<std::byte>(info_.extent.height >> 8);
        header[at + 6] = static_cast<std::byte>(info_.extent.height);
      }
      if (marker == 0xe0) {
        set_density(header.data() + at);
        behind_jfif = at + 2 + length;
      }
      at += 2 + length;
    }
    header.insert(header.begin() + static_cast<std::ptrdiff_t>(behind_jfif), segments.begin(),
                  segments.end());
    file()->write(header);
  }

  /// In a JFIF segment. Here and not by libjpeg, because another rank may have encoded the piece.
  void set_density(std::byte* jfif) const {
    constexpr std::size_t unit_at = 11;  // behind the marker, the length, "JFIF", 0 and the version
    const JfifDensity density = jfif_density(metadata_.resolution);
    jfif[unit_at] = static_cast<std::byte>(density.unit);
    jfif[unit_at + 1] = static_cast<std::byte>(density.x >> 8);
    jfif[unit_at + 2] = static_cast<std::byte>(density.x & 255);
    jfif[unit_at + 3] = static_cast<std::byte>(density.y >> 8);
    jfif[unit_at + 4] = static_cast<std::byte>(density.y & 255);
  }

  ImageInfo info_;
  Metadata metadata_;
  int quality_;
  Color background_;
};

}  // namespace

std::unique_ptr<FormatSink> make_jpeg_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options) {
  return std::make_unique<JpegSink>(std::move(file), info, metadata, options);
}

}  // namespace tessera
