// SPDX-License-Identifier: Apache-2.0
#include "codec/common/sinks.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "codec/folder/sink.hpp"
#include "codec/metadata/for_result.hpp"

namespace tessera {
namespace {

template <class T>
void interleave(const Tile& tile, int row, T* out) {
  const int channels = tile.color.channels();
  const T* color = tile.color.ptr<T>(row);
  const T* alpha = tile.alpha.ptr<T>(row);
  for (int x = 0; x < tile.color.cols; ++x) {
    for (int c = 0; c < channels; ++c) {
      *out++ = *color++;
    }
    *out++ = *alpha++;
  }
}

std::uint8_t to_8bit(std::uint8_t value) { return value; }
std::uint8_t to_8bit(std::uint16_t value) { return static_cast<std::uint8_t>((value + 128) / 257); }

template <class T>
void flatten(const Tile& tile, int row, Color background, std::uint8_t* out) {
  const int channels = tile.color.channels();
  const int gray = (299 * background.red + 587 * background.green + 114 * background.blue + 500) / 1000;
  const int behind[3] = {channels == 1 ? gray : background.red, background.green, background.blue};
  const T* color = tile.color.ptr<T>(row);
  const T* alpha = tile.alpha.empty() ? nullptr : tile.alpha.ptr<T>(row);
  for (int x = 0; x < tile.color.cols; ++x) {
    const int opacity = alpha == nullptr ? 255 : to_8bit(alpha[x]);
    for (int c = 0; c < channels; ++c) {
      const int value = to_8bit(*color++);
      // An image has one colour channel or three. NOLINTNEXTLINE(clang-analyzer-core.*)
      *out++ = static_cast<std::uint8_t>((value * opacity + behind[c] * (255 - opacity) + 127) / 255);
    }
  }
}

template <class T>
void interleave_8bit(const Tile& tile, int row, std::uint8_t* out) {
  const int channels = tile.color.channels();
  const T* color = tile.color.ptr<T>(row);
  const T* alpha = tile.alpha.empty() ? nullptr : tile.alpha.ptr<T>(row);
  for (int x = 0; x < tile.color.cols; ++x) {
    for (int c = 0; c < channels; ++c) {
      *out++ = to_8bit(*color++);
    }
    if (alpha != nullptr) {
      *out++ = to_8bit(alpha[x]);
    }
  }
}

}  // namespace

void interleave_row(const Tile& tile, int row, std::byte* out) {
  if (tile.alpha.empty()) {
    std::memcpy(out, tile.color.ptr(row), static_cast<std::size_t>(tile.color.cols) * tile.color.elemSize());
  } else if (tile.color.depth() == CV_8U) {
    interleave(tile, row, reinterpret_cast<std::uint8_t*>(out));
  } else {
    interleave(tile, row, reinterpret_cast<std::uint16_t*>(out));
  }
}

void flatten_row(const Tile& tile, int row, Color background, std::uint8_t* out) {
  if (tile.color.depth() == CV_8U) {
    if (tile.alpha.empty()) {
      std::memcpy(out, tile.color.ptr(row),
                  static_cast<std::size_t>(tile.color.cols) * tile.color.elemSize());
      return;
    }
    flatten<std::uint8_t>(tile, row, background, out);
  } else {
    flatten<std::uint16_t>(tile, row, background, out);
  }
}

void interleave_row_8bit(const Tile& tile, int row, std::uint8_t* out) {
  if (tile.color.depth() == CV_8U) {
    interleave_8bit<std::uint8_t>(tile, row, out);
  } else {
    interleave_8bit<std::uint16_t>(tile, row, out);
  }
}

void append_bytes(Bytes& bytes, const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
}

void check_side(const ImageInfo& info, std::int64_t max_px, std::string_view format,
                std::string_view instead) {
  if (info.extent.width > max_px || info.extent.height > max_px) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("{} holds at most {} pixels a side, and the result has {}x{}. Write {} instead.",
                            format, max_px, info.extent.width, info.extent.height, instead));
  }
}

namespace {

std::unique_ptr<FormatSink> make_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                      const Metadata& metadata, const WriteOptions& options) {
  switch (options.format) {
    case FileFormat::png:
      return make_png_sink(std::move(file), info, metadata);
    case FileFormat::jpeg:
      return make_jpeg_sink(std::move(file), info, metadata, options);
    case FileFormat::tiff:
      return make_tiff_sink(std::move(file), info, metadata, options);
    case FileFormat::webp:
      return make_webp_sink(std::move(file), info, metadata, options);
    case FileFormat::ome_zarr:
    case FileFormat::deep_zoom:
      break;  // no file
  }
  throw Error(ErrorCode::internal, "An output format has no writer.");
}

}  // namespace

std::unique_ptr<FileSink> open_sink(const std::filesystem::path& target, const ImageInfo& info,
                                    const Metadata& metadata, const WriteOptions& options, std::string name) {
  // What the format cannot hold is refused before anything is opened.
  static_cast<void>(make_encoder(info, options));
  if (format_info(options.format).folder) {
    ResultMetadata adapted = metadata_for_result(metadata, info, options);
    return open_tile_folder(target, info, std::move(adapted.metadata), options, std::move(name),
                            std::move(adapted.warnings));
  }
  return open_sink(std::make_unique<AtomicFile>(target, std::move(name)), info, metadata, options);
}

std::unique_ptr<FileSink> open_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                    const Metadata& metadata, const WriteOptions& options) {
  ResultMetadata adapted = metadata_for_result(metadata, info, options);
  auto sink = make_sink(std::move(file), info, adapted.metadata, options);
  sink->set_warnings(std::move(adapted.warnings));
  return sink;
}

std::unique_ptr<FileSink> make_encoder(const ImageInfo& info, const WriteOptions& options) {
  return format_info(options.format).folder ? make_tile_encoder(info, options)
                                            : make_sink(nullptr, info, {}, options);
}

}  // namespace tessera
