// SPDX-License-Identifier: Apache-2.0
// OME-Zarr 0.4 (https://ngff.openmicroscopy.org/0.4/) on Zarr version 2: an array a level, axes c, y, x; a chunk is one
// channel of one tile, whole also at the edges, where it is 0 outside the picture.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <opencv2/core.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "codec/folder/tile_format.hpp"
#include "codec/metadata/for_result.hpp"
#include "codec/zarr/chunk_codec.hpp"

namespace tessera {
namespace {

struct Channel {
  std::string_view label;
  std::string_view color;  ///< RGB in hexadecimal
  bool active = true;
};

std::vector<Channel> channels_of(const PixelFormat& format) {
  std::vector<Channel> channels =
      format.channels == 1 ? std::vector<Channel>{{"Gray", "FFFFFF"}}
                           : std::vector<Channel>{{"Red", "FF0000"}, {"Green", "00FF00"}, {"Blue", "0000FF"}};
  if (format.alpha) {
    channels.push_back({"Alpha", "FFFFFF", false});
  }
  return channels;
}

/// Distance of pixels of the picture itself.
struct PixelSize {
  double y = 1;
  double x = 1;
  bool physical = false;  ///< in micrometres
};

PixelSize pixel_size(const Resolution& resolution) {
  if (!resolution.known()) {
    return {};
  }
  if (resolution.unit == Resolution::Unit::ratio) {
    return {resolution.x / resolution.y, 1, false};
  }
  const double micrometres = 1000 * unit_millimetres(resolution.unit);
  return {micrometres / resolution.y, micrometres / resolution.x, true};
}

Json axes(bool physical) {
  Json list = Json::array({{{"name", "c"}, {"type", "channel"}}});
  for (const char* const name : {"y", "x"}) {
    Json axis{{"name", name}, {"type", "space"}};
    if (physical) {
      axis["unit"] = "micrometer";
    }
    list.push_back(std::move(axis));
  }
  return list;
}

/// Each pixel of a level is the mean of 2x2 of the level above, in the middle of them.
Json transformations(const PixelSize& size, std::size_t level) {
  const auto step = static_cast<double>(std::uint64_t{1} << level);
  const double shift = (step - 1) / 2;
  return Json::array({{{"type", "scale"}, {"scale", {1.0, size.y * step, size.x * step}}},
                      {{"type", "translation"}, {"translation", {0.0, size.y * shift, size.x * shift}}}});
}

class OmeZarr final : public TileFormat {
 public:
  OmeZarr(const PixelFormat& format, const TileFolderOptions& options)
      : format_(format),
        tile_px_(options.tile_px),
        channels_(channels_of(format)),
        codec_(options, format.bytes_per_sample()) {}

  int tile_px() const override { return tile_px_; }
  PixelFormat stored_format() const override { return format_; }
  bool is_smallest(const Extent& extent) const override {
    return std::max(extent.width, extent.height) <= tile_px_;
  }

  std::vector<std::string> paths(const TilePlace& place) const override {
    std::vector<std::string> paths;
    for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
      paths.push_back(fmt::format("{}/{}/{}/{}", place.level, channel, place.row, place.column));
    }
    return paths;
  }

  std::vector<Bytes> encode(const Tile& tile) const override {
    std::vector<Bytes> files;
    for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
      Bytes chunk(chunk_bytes());
      std::memset(chunk.data(), 0, chunk.size());
      cv::Mat plane = plane_of(chunk, tile.rect);
      if (is_alpha(channel)) {
        tile.alpha.copyTo(plane);
      } else {
        cv::extractChannel(tile.color, plane, static_cast<int>(channel));
      }
      files.push_back(codec_.encode(std::move(chunk)));
    }
    return files;
  }

  void decode(std::span<const Bytes> files, Tile& tile) const override {
    for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
      Bytes chunk(chunk_bytes());
      if (!codec_.decode(files[channel], chunk)) {
        throw Error(ErrorCode::io, "A chunk of the result is not what was written into it.");
      }
      const cv::Mat plane = plane_of(chunk, tile.rect);
      if (is_alpha(channel)) {
        plane.copyTo(tile.alpha);
      } else {
        cv::insertChannel(plane, tile.color, static_cast<int>(channel));
      }
    }
  }

  CommonBytes common_bytes(const Metadata& /*metadata*/) const override { return {}; }

  /// Without .zgroup there is no Zarr: it comes last.
  std::vector<DescribingFile> describe(const std::vector<Extent>& levels, const Metadata& metadata,
                                       const std::string& name) const override {
    std::vector<DescribingFile> files;
    const auto add = [&](const std::string& path, const Json& json) {
      files.push_back({fmt::format("{}/{}", tiles_entry, path), json.dump(2) + "\n"});
    };
    for (std::size_t level = 0; level < levels.size(); ++level) {
      add(fmt::format("{}/.zarray", level), array(levels[level]));
    }
    const std::string image = std::filesystem::path(name).stem().string();
    add(".zattrs", {{"multiscales", Json::array({multiscale(levels.size(), metadata.resolution, image)})},
                    {"omero", omero(image)}});
    add(".zgroup", {{"zarr_format", 2}});
    return files;
  }

 private:
  [[nodiscard]] std::size_t chunk_bytes() const {
    return static_cast<std::size_t>(tile_px_) * static_cast<std::size_t>(tile_px_) *
           static_cast<std::size_t>(format_.bytes_per_sample());
  }
  [[nodiscard]] bool is_alpha(std::size_t channel) const {
    return channel == static_cast<std::size_t>(format_.channels);
  }
  /// The part of a chunk that is inside the picture.
  [[nodiscard]] cv::Mat plane_of(Bytes& chunk, const Rect& rect) const {
    return {static_cast<int>(rect.height), static_cast<int>(rect.width), alpha_type(format_), chunk.data(),
            static_cast<std::size_t>(tile_px_) * static_cast<std::size_t>(format_.bytes_per_sample())};
  }

  [[nodiscard]] Json array(const Extent& extent) const {
    return {{"zarr_format", 2},
            {"shape", {channels_.size(), extent.height, extent.width}},
            {"chunks", {1, tile_px_, tile_px_}},
            {"dtype", format_.depth == Depth::u8 ? "|u1" : "<u2"},
            {"compressor", codec_.description()},
            {"fill_value", 0},
            {"order", "C"},
            {"filters", nullptr},
            {"dimension_separator", "/"}};
  }

  [[nodiscard]] static Json multiscale(std::size_t levels, const Resolution& resolution,
                                       const std::string& name) {
    const PixelSize size = pixel_size(resolution);
    Json datasets = Json::array();
    for (std::size_t level = 0; level < levels; ++level) {
      datasets.push_back(
          {{"path", std::to_string(level)}, {"coordinateTransformations", transformations(size, level)}});
    }
    return {
        {"version", "0.4"},
        {"name", name},
        {"axes", axes(size.physical)},
        {"datasets", std::move(datasets)},
        {"type", "mean"},
        {"metadata", {{"description", "Each pixel is the mean of 2x2 pixels of the level above, rounded."}}}};
  }

  [[nodiscard]] Json omero(const std::string& name) const {
    Json list = Json::array();
    for (const Channel& channel : channels_) {
      list.push_back(
          {{"active", channel.active},
           {"coefficient", 1},
           {"color", channel.color},
           {"family", "linear"},
           {"inverted", false},
           {"label", channel.label},
           {"window",
            {{"start", 0}, {"end", format_.max_value()}, {"min", 0}, {"max", format_.max_value()}}}});
    }
    return {{"name", name},
            {"version", "0.4"},
            {"channels", std::move(list)},
            {"rdefs",
             {{"defaultT", 0}, {"defaultZ", 0}, {"model", format_.channels == 1 ? "greyscale" : "color"}}}};
  }

  PixelFormat format_;
  int tile_px_;
  std::vector<Channel> channels_;
  ChunkCodec codec_;
};

}  // namespace

std::unique_ptr<TileFormat> make_ome_zarr(const ImageInfo& info, const WriteOptions& options) {
  return std::make_unique<OmeZarr>(info.format, options.folder);
}

}  // namespace tessera
