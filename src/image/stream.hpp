// SPDX-License-Identifier: Apache-2.0
// Where pixels come from, and what travels with them. The engine pulls rows from a Source; codecs and tests
// implement it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "image/image.hpp"

namespace tessera {

/// How densely pixels lie, in the unit of the file they come from, so that it can be written as it was read.
struct Resolution {
  /// `ratio`: only the ratio of x to y means something (JFIF and pHYs unit 0, TIFF unit "none").
  enum class Unit : std::uint8_t { ratio, inch, centimetre, metre };
  double x = 0;  ///< pixels to the unit; 0: unknown
  double y = 0;
  Unit unit = Unit::inch;
  [[nodiscard]] bool known() const { return x > 0 && y > 0; }
  /// Of the picture turned by a quarter.
  [[nodiscard]] Resolution turned() const { return {y, x, unit}; }
  bool operator==(const Resolution&) const = default;
};

/// What a PNG says of its colours beside, or instead of, a profile: numbers as they stand in its chunks.
struct ColorEncoding {
  std::optional<std::uint8_t> srgb_intent;          ///< sRGB: rendering intent
  std::uint32_t gamma = 0;                          ///< gAMA, times 100000; 0: none
  std::array<std::uint32_t, 8> chromaticities{};    ///< cHRM, times 100000: white, red, green, blue; 0: none
  std::optional<std::array<std::uint8_t, 4>> cicp;  ///< primaries, transfer, matrix, full range
  bool operator==(const ColorEncoding&) const = default;
};

/// What travels with the pixels. Empty buffers mean "none".
struct Metadata {
  Bytes icc;   ///< ICC profile
  Bytes exif;  ///< EXIF block without the "Exif\0\0" prefix; its orientation is 1 because it has been
               ///< applied, and it has no thumbnail
  Bytes xmp;
  Bytes iptc;              ///< IPTC-IIM datasets
  ColorEncoding encoding;  ///< holds where there is no profile
  Resolution resolution;
};

/// Rows that a source has read as far as they depend on those above them. What is left may be done by any
/// thread, beside anything else that is asked of the source.
class DeferredRows {
 public:
  virtual ~DeferredRows() = default;
  /// Fills `out`, the tile that read_rows_deferred() was given. Once. Throws what read_rows() throws for these rows.
  virtual void finish(Tile& out) = 0;
};

/// An image that can be read in rows.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual const ImageInfo& info() const = 0;
  [[nodiscard]] virtual const Metadata& metadata() const = 0;
  /// True: read_rows may be called for any rows in any order, and again. False: each call must start where
  /// the last one ended, the first at row 0.
  [[nodiscard]] virtual bool random_access() const = 0;
  /// Fills `out`, whose rect is full-width rows inside the image and whose planes are allocated by the caller
  /// (row strides are the caller's). Calls are serialised by the caller, but may come from different threads.
  /// Throws Error (damaged_input, io, limit_exceeded).
  virtual void read_rows(Tile& out) = 0;
  /// The same for a caller with several threads: takes its turn among the calls of read_rows and throws what
  /// it throws, but may leave work to be done outside of that turn. Null: `out` is filled. The source must
  /// outlive what it returns.
  [[nodiscard]] virtual std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) {
    read_rows(out);
    return nullptr;
  }
  /// Rows that will be read soon, after those that were announced before: a source that waits for a disk or a network
  /// begins to fetch them, up to `max_bytes` that are not read yet, and returns without waiting. Takes its turn among
  /// the calls of read_rows. Only a hint: what fails meanwhile is reported by reading the rows.
  virtual void read_ahead(const Interval& /*rows*/, std::int64_t /*max_bytes*/) {}
  /// Before the first row is read: from then on the picture is smaller by `factor` (2, 4 or 8) on both sides,
  /// as reduced_extent() has it, and info() says so. For readers that make small pictures at less cost; their
  /// pixels are close to means of the full-size ones. False, and nothing has changed, where this one does not.
  [[nodiscard]] virtual bool reduce(int /*factor*/) { return false; }
  /// Whether the pixels can be read once more from the top.
  [[nodiscard]] virtual bool can_rewind() const { return random_access(); }
  /// Lets a source that is read in order begin again at row 0. Only if can_rewind(). Throws as opening does.
  virtual void rewind() {}
  /// Bytes of memory that reading takes beside the rows that are filled: a row of tiles, a picture that is decoded
  /// whole. An estimate, 0 where it is little.
  [[nodiscard]] virtual std::int64_t working_bytes() const { return 0; }
  /// What reading left out, converted or did not understand (other pages, an unknown band, missing rows), a
  /// sentence each. Complete when the last row has been read.
  [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }
};

}  // namespace tessera
