// From a format's decoder, which yields interleaved rows, to a Source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "codec/read/header.hpp"
#include "core/stream.hpp"

namespace tessera {

class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  /// True: decode() may be asked for any row, in any order.
  [[nodiscard]] virtual bool random_access() const { return false; }
  /// Writes row `y`: samples of the image's depth in the machine's byte order, alpha after the colours.
  /// Without random access the rows are asked for from 0 on, each once. Throws Error.
  virtual void decode(std::int64_t y, std::byte* row) = 0;
  /// Called once after the last row of a sequential decoder, to find damage behind it.
  virtual void finish() {}
};

/// Splits off alpha, keeps the order of sequential reads and, with `salvage`, turns damage into black rows.
/// The orientation of `header` is not looked at.
[[nodiscard]] std::unique_ptr<Source> make_row_source(ImageHeader header, std::unique_ptr<RowDecoder> decoder,
                                                      bool salvage);

/// Black, and opaque where there is alpha.
void fill_blank(Tile& tile);

/// Throws Error(internal) if `out` is not full-width rows of the image with planes of its format.
void check_tile(const Tile& out, const ImageInfo& info);

/// Throws Error(internal) if `out` does not begin with the row that is next of an image read in order.
void check_turn(const Tile& out, std::int64_t next_row);

/// Spreads one interleaved row over row `y` of the tile's planes.
void store_row(const std::byte* row, Tile& out, std::int64_t y);

}  // namespace tessera
