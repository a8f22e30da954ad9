// SPDX-License-Identifier: Apache-2.0
// Writes images. Every format is encoded in pieces that any thread of any rank can make alone; the root puts
// them together into one ordinary file, or they are tiles in a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "codec/io/atomic_file.hpp"
#include "image/sink.hpp"
#include "image/stream.hpp"
#include "schema/output_options.hpp"
#include "schema/param.hpp"

namespace tessera {

struct TiffOptions {
  TiffCompression compression = TiffCompression::deflate;
  int level = 0;  ///< of deflate and zstd; 0: fast
  int tile_px = default_tile_px;
  bool big = false;      ///< BigTIFF in any case
  bool pyramid = false;  ///< with smaller levels
};

/// Of the formats that are folders of tiles.
struct TileFolderOptions {
  /// OME-Zarr: zstd (the default), deflate or none. Deep Zoom: jpeg (the default), or deflate: PNG.
  std::optional<TiffCompression> compression = {};
  int level = 0;  ///< of deflate and zstd; 0: fast
  int tile_px = default_tile_px;
};

struct WriteOptions {
  FileFormat format = FileFormat::png;
  /// JPEG and WebP, 1..100. JPEG chroma is halved in both directions (4:2:0) below 90.
  int quality = 85;
  TiffOptions tiff = {};
  TileFolderOptions folder = {};
  /// JPEG has no alpha: what is transparent shows this colour.
  Color background = {255, 255, 255};
  Strip strip = Strip::nothing;
};

/// The smaller levels of a result, made one from the other. All ranks make the same calls.
class Pyramid {
 public:
  virtual ~Pyramid() = default;
  /// After finish(): begins the level below the one that is finished, half as large, and returns what it is.
  /// Nothing once the smallest has been finished.
  [[nodiscard]] virtual std::optional<ImageInfo> begin_next_level() = 0;
  /// What the level is that was finished last.
  [[nodiscard]] virtual ImageInfo finished_level() const = 0;
  /// The same to be read, in any order of rows. Null on ranks that have not joined the root's file.
  [[nodiscard]] virtual std::unique_ptr<Source> open_finished_level() = 0;
  /// Root, after the smallest level: makes the result complete and visible.
  virtual void publish() = 0;
};

/// A sink for a file, or for a folder of tiles.
class FileSink : public Sink {
 public:
  /// Not null: finish() ends a level, and the result is there after publish().
  [[nodiscard]] virtual Pyramid* pyramid() { return nullptr; }
  /// Bytes of the result. 0 before it is visible, and on ranks that only encode.
  [[nodiscard]] virtual std::int64_t written_bytes() const = 0;
};

/// A sink that writes to `target`, which appears, whole, when finish() is called; until then, and after any
/// failure or kill, there is nothing. "-" is standard output; links, devices, FIFOs and files that exist are
/// treated as AtomicFile says. shared() is null for WebP. 16-bit images become 8-bit in JPEG and WebP (divided by 257, rounded). TIFF is
/// tiled, and BigTIFF where the pixels alone pass 3.9 GB. The
/// metadata are adapted to the result (docs/metadata.md); what is left out or converted is in
/// Sink::warnings(). `name` is what sentences call the result; empty: its path. Throws Error(io) if the
/// folder is missing or not writable, Error(limit_exceeded) if the format cannot hold the extent.
/// A folder of tiles has smaller levels too (pyramid()) and appears with publish(); see codec/folder/target.hpp for
/// its names and for what it may replace, and docs/tiles.md for what is in it.
[[nodiscard]] std::unique_ptr<FileSink> open_sink(const std::filesystem::path& target, const ImageInfo& info,
                                                  const Metadata& metadata, const WriteOptions& options,
                                                  std::string name = {});
/// The same for a file that is open already. Not for formats that are folders.
[[nodiscard]] std::unique_ptr<FileSink> open_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                                  const Metadata& metadata, const WriteOptions& options);
/// The same sink for ranks that only encode: touches no file, unless it joins the root's through shared().
/// Its append(), skip() and finish() must not be called.
[[nodiscard]] std::unique_ptr<FileSink> make_encoder(const ImageInfo& info, const WriteOptions& options);

}  // namespace tessera
