// SPDX-License-Identifier: Apache-2.0
// Deep Zoom: tiles of JPEG or PNG for viewers in browsers, with all levels down to one pixel
// (https://learn.microsoft.com/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)).
//
// Tiles do not overlap: a rank then needs no pixels of another one's rows, each pixel is stored once, and 256 pixels are
// whole blocks of JPEG. Viewers that draw tiles at places between screen pixels, for which the overlap was made, are
// gone: OpenSeadragon shows no seams between such tiles, nor between those of IIIF, which never overlap.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "codec/common/effort.hpp"
#include "codec/folder/tile_format.hpp"
#include "codec/jpeg/encoder.hpp"
#include "codec/png/encoder.hpp"
#include "codec/png/written_chunks.hpp"
#include "codec/reader.hpp"

namespace tessera {
namespace {

class DeepZoom final : public TileFormat {
 public:
  DeepZoom(const ImageInfo& info, const WriteOptions& options)
      : format_(info.format),
        deepest_(static_cast<int>(
            std::bit_width(static_cast<std::uint64_t>(std::max(info.extent.width, info.extent.height)) - 1))),
        jpeg_(options.folder.compression.value_or(TiffCompression::jpeg) == TiffCompression::jpeg),
        settings_{options.quality, options.background, 0},
        png_level_(options.folder.level > 0 ? options.folder.level : fast_deflate_level),
        tile_px_(options.folder.tile_px) {
    if (!jpeg_ && options.folder.compression != TiffCompression::deflate) {
      throw Error(
          ErrorCode::usage,
          "Deep Zoom has tiles of JPEG, the compression jpeg, or PNG, the compression deflate: choose one.");
    }
  }

  int tile_px() const override { return tile_px_; }
  PixelFormat stored_format() const override {
    return jpeg_ ? PixelFormat{Depth::u8, format_.channels, false} : format_;
  }
  bool is_smallest(const Extent& extent) const override { return extent == Extent{1, 1}; }

  std::vector<std::string> paths(const TilePlace& place) const override {
    return {fmt::format("{}/{}_{}.{}", deepest_ - place.level, place.column, place.row, extension())};
  }

  std::vector<Bytes> encode(const Tile& tile) const override {
    std::vector<Bytes> files;
    files.push_back(jpeg_ ? encode_jpeg(tile, settings_) : encode_png(tile, png_level_));
    return files;
  }

  void decode(std::span<const Bytes> files, Tile& tile) const override {
    const auto source =
        open_image(std::span<const std::byte>(files[0]), {.keep_metadata = false}, "a tile of the result");
    Tile pixels{Rect::whole({tile.rect.width, tile.rect.height}), tile.color, tile.alpha};
    if (source->info() != pixels.info()) {
      throw Error(ErrorCode::io, "A tile of the result is not what was written into it.");
    }
    source->read_rows(pixels);
  }

  /// Each tile is a picture of its own, which needs the profile to be shown right.
  CommonBytes common_bytes(const Metadata& metadata) const override {
    Metadata profile;
    profile.icc = metadata.icc;
    CommonBytes common{jpeg_ ? jpeg_head_bytes : png_head_bytes, {}};
    if (jpeg_) {
      common.bytes = jpeg_metadata_segments(profile);
    } else {
      append_png_metadata(common.bytes, profile);
    }
    return common;
  }

  std::vector<DescribingFile> describe(const std::vector<Extent>& levels, const Metadata& /*metadata*/,
                                       const std::string& /*name*/) const override {
    const Extent& extent = levels.front();
    return {{std::string(description_entry),
             fmt::format(
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<Image xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"{}\" Overlap=\"0\" "
                 "TileSize=\"{}\">\n"
                 "  <Size Width=\"{}\" Height=\"{}\"/>\n"
                 "</Image>\n",
                 extension(), tile_px_, extent.width, extent.height)}};
  }

 private:
  [[nodiscard]] std::string_view extension() const {
    return format_extension(jpeg_ ? FileFormat::jpeg : FileFormat::png);
  }

  PixelFormat format_;
  int deepest_;  ///< the format's number of the level of the picture itself
  bool jpeg_;
  JpegSettings settings_;
  int png_level_;
  int tile_px_;
};

}  // namespace

std::unique_ptr<TileFormat> make_deep_zoom(const ImageInfo& info, const WriteOptions& options) {
  return std::make_unique<DeepZoom>(info, options);
}

}  // namespace tessera
