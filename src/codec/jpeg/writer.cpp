// SPDX-License-Identifier: Apache-2.0
// JPEG in pieces of one row of MCUs, each encoded alone; their entropy-coded segments are joined behind one
// header by restart markers, which every piece but the first begins with. The bytes are those of one encode of the whole image with restart_in_rows = 1.
#include <fmt/format.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"
#include "codec/common/sinks.hpp"
#include "codec/metadata/for_result.hpp"
#include "codec/metadata/iptc.hpp"

namespace tessera {
namespace {

constexpr int best_quality_with_halved_chroma = 89;
constexpr std::size_t largest_segment_bytes = 65533;

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

void leave(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  manager->base.format_message(info, manager->message);
  std::longjmp(manager->jump, 1);
}

void append_segment(Bytes& out, int marker, const void* head, std::size_t head_size, const std::byte* data,
                    std::size_t size) {
  const std::size_t length = 2 + head_size + size;
  const std::array<std::uint8_t, 4> start{0xff, static_cast<std::uint8_t>(marker),
                                          static_cast<std::uint8_t>(length >> 8),
                                          static_cast<std::uint8_t>(length)};
  append_bytes(out, start.data(), start.size());
  append_bytes(out, head, head_size);
  append_bytes(out, data, size);
}

Bytes metadata_segments(const Metadata& metadata) {
  Bytes out;
  if (!metadata.exif.empty()) {
    append_segment(out, 0xe1, "Exif\0", 6, metadata.exif.data(), metadata.exif.size());
  }
  if (!metadata.xmp.empty()) {
    static constexpr std::string_view name("http://ns.adobe.com/xap/1.0/\0", 29);
    append_segment(out, 0xe1, name.data(), name.size(), metadata.xmp.data(), metadata.xmp.size());
  }
  if (!metadata.iptc.empty()) {
    static constexpr std::string_view name("Photoshop 3.0\0", 14);
    const Bytes resources = photoshop_from_iptc(metadata.iptc);
    append_segment(out, 0xed, name.data(), name.size(), resources.data(), resources.size());
  }
  constexpr std::size_t icc_part_bytes = largest_segment_bytes - 14;
  const std::size_t parts = (metadata.icc.size() + icc_part_bytes - 1) / icc_part_bytes;
  for (std::size_t part = 0; part < parts && parts < 256; ++part) {
    std::array<char, 14> head{'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', '\0'};
    head[12] = static_cast<char>(part + 1);
    head[13] = static_cast<char>(parts);
    const std::size_t from = part * icc_part_bytes;
    append_segment(out, 0xe2, head.data(), head.size(), metadata.icc.data() + from,
                   std::min(icc_part_bytes, metadata.icc.size() - from));
  }
  return out;
}

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

  bool halves_chroma() const {
    return info_.format.channels == 3 && quality_ <= best_quality_with_halved_chroma;
  }
  std::int64_t piece_rows() const override { return halves_chroma() ? 16 : 8; }

  EncodedPiece encode(const Tile& piece) const override {
    // Everything with a destructor lives outside the part that longjmp may leave.
    std::vector<std::uint8_t> row(static_cast<std::size_t>(info_.extent.width * info_.format.channels));
    ErrorManager errors;
    jpeg_compress_struct jpeg;
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = leave;
    if (setjmp(errors.jump) != 0) {
      jpeg_destroy_compress(&jpeg);
      std::free(memory);
      throw Error(ErrorCode::internal, fmt::format("Encoding a piece of a JPEG failed: {}.", errors.message));
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &memory, &size);
    configure(jpeg, piece.color.rows);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < piece.color.rows; ++y) {
      flatten_row(piece, y, background_, row.data());
      JSAMPROW rows[1] = {row.data()};
      jpeg_write_scanlines(&jpeg, rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    const std::span whole(reinterpret_cast<const std::byte*>(memory), size);
    const std::size_t scan = scan_start(whole);
    EncodedPiece out;
    const std::int64_t number = piece.rect.y / piece_rows();
    if (number == 0) {
      append_bytes(out.index, memory, scan);
    } else {
      const std::array<std::uint8_t, 2> restart{0xff, static_cast<std::uint8_t>(0xd0 + (number - 1) % 8)};
      append_bytes(out.body, restart.data(), restart.size());
    }
    append_bytes(out.body, memory + scan, size - scan - 2);  // without its end-of-image marker
    std::free(memory);
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
  void configure(jpeg_compress_struct& jpeg, int rows) const {
    jpeg.image_width = static_cast<JDIMENSION>(info_.extent.width);
    jpeg.image_height = static_cast<JDIMENSION>(rows);
    jpeg.input_components = info_.format.channels;
    jpeg.in_color_space = info_.format.channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality_, TRUE);
    if (info_.format.channels == 3 && !halves_chroma()) {
      jpeg.comp_info[0].h_samp_factor = 1;
      jpeg.comp_info[0].v_samp_factor = 1;
    }
    jpeg.restart_in_rows = 1;
  }

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
    const Bytes segments = metadata_segments(metadata_);
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
