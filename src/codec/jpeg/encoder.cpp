// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/encoder.hpp"

#include <fmt/format.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/common/sinks.hpp"
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

void configure(jpeg_compress_struct& jpeg, const Tile& picture, const JpegSettings& settings) {
  const int channels = picture.color.channels();
  jpeg.image_width = static_cast<JDIMENSION>(picture.color.cols);
  jpeg.image_height = static_cast<JDIMENSION>(picture.color.rows);
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, settings.quality, TRUE);
  if (channels == 3 && !jpeg_halves_chroma(channels, settings.quality)) {
    jpeg.comp_info[0].h_samp_factor = 1;
    jpeg.comp_info[0].v_samp_factor = 1;
  }
  jpeg.restart_in_rows = settings.restart_rows;
}

}  // namespace

bool jpeg_halves_chroma(int channels, int quality) {
  return channels == 3 && quality <= best_quality_with_halved_chroma;
}

Bytes jpeg_metadata_segments(const Metadata& metadata) {
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

Bytes encode_jpeg(const Tile& picture, const JpegSettings& settings) {
  // Everything with a destructor lives outside the part that longjmp may leave.
  std::vector<std::uint8_t> row(static_cast<std::size_t>(picture.color.cols) *
                                static_cast<std::size_t>(picture.color.channels()));
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
  configure(jpeg, picture, settings);
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < picture.color.rows; ++y) {
    flatten_row(picture, y, settings.background, row.data());
    JSAMPROW rows[1] = {row.data()};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  Bytes out;
  append_bytes(out, memory, size);
  std::free(memory);
  return out;
}

}  // namespace tessera
