// SPDX-License-Identifier: Apache-2.0
// The sinks of the formats, and what they share. `target` is empty on ranks that only encode.
#pragma once

#include <memory>

#include "codec/common/format_sink.hpp"

namespace tessera {

std::unique_ptr<FormatSink> make_png_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                          const Metadata& metadata);
std::unique_ptr<FormatSink> make_jpeg_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options);
std::unique_ptr<FormatSink> make_tiff_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options);
std::unique_ptr<FormatSink> make_webp_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options);

/// Samples of one row interleaved, colour then alpha, in the image's own byte order. `out` has room for it.
void interleave_row(const Tile& tile, int row, std::byte* out);
/// The same reduced to 8 bits, without alpha: what is transparent shows `background`.
void flatten_row(const Tile& tile, int row, Color background, std::uint8_t* out);
/// The same reduced to 8 bits, alpha kept.
void interleave_row_8bit(const Tile& tile, int row, std::uint8_t* out);

void append_bytes(Bytes& bytes, const void* data, std::size_t size);
/// Throws Error(limit_exceeded) if a side is longer than the format allows.
void check_side(const ImageInfo& info, std::int64_t max_px, std::string_view format,
                std::string_view instead);

}  // namespace tessera
