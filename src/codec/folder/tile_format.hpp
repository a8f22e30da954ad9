// SPDX-License-Identifier: Apache-2.0
// What formats that are folders of tiles differ in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/writer.hpp"

namespace tessera {

/// What lies in the folder that a result is made in (AtomicFolder::content).
inline constexpr std::string_view tiles_entry = "tiles";
inline constexpr std::string_view description_entry = "description";

struct TilePlace {
  int level = 0;  ///< 0: the picture itself
  std::int64_t column = 0;
  std::int64_t row = 0;
};

/// Bytes that every file of a result has at the same place and that are not encoded with each tile.
struct CommonBytes {
  std::uint64_t offset = 0;
  Bytes bytes;
};

/// A small file that describes the result.
struct DescribingFile {
  std::string path;  ///< beside tiles_entry
  std::string text;
};

/// Const members may be called from any thread.
class TileFormat {
 public:
  virtual ~TileFormat() = default;
  /// Side of a tile; those at the right and lower edges may be cut off there.
  [[nodiscard]] virtual int tile_px() const = 0;
  /// Of what decode() gives, and so of the smaller levels.
  [[nodiscard]] virtual PixelFormat stored_format() const = 0;
  /// Whether a level of this extent is the last.
  [[nodiscard]] virtual bool is_smallest(const Extent& extent) const = 0;
  /// Paths of a tile's files, below tiles_entry.
  [[nodiscard]] virtual std::vector<std::string> paths(const TilePlace& place) const = 0;
  /// Those files, without the common bytes.
  [[nodiscard]] virtual std::vector<Bytes> encode(const Tile& tile) const = 0;
  /// Fills a tile from its files, which have the common bytes. Throws Error(io) if they are not what encode() made.
  virtual void decode(std::span<const Bytes> files, Tile& tile) const = 0;
  /// What a result with these metadata has in all files.
  [[nodiscard]] virtual CommonBytes common_bytes(const Metadata& metadata) const = 0;
  /// Of a result with these levels, in the order in which they must be written. `name`: of the image.
  [[nodiscard]] virtual std::vector<DescribingFile> describe(const std::vector<Extent>& levels,
                                                             const Metadata& metadata,
                                                             const std::string& name) const = 0;
};

/// These throw Error(usage) for options that the format does not have, and Error(limit_exceeded) for pictures that it
/// cannot hold.
[[nodiscard]] std::unique_ptr<TileFormat> make_ome_zarr(const ImageInfo& info, const WriteOptions& options);
[[nodiscard]] std::unique_ptr<TileFormat> make_deep_zoom(const ImageInfo& info, const WriteOptions& options);

}  // namespace tessera
