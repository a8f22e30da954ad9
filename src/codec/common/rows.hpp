// SPDX-License-Identifier: Apache-2.0
// From a format's decoder, which yields interleaved rows, to a Source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "codec/common/header.hpp"
#include "codec/common/losses.hpp"
#include "image/stream.hpp"

namespace tessera {

class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  /// True: decode() may be asked for any row, in any order.
  [[nodiscard]] virtual bool random_access() const { return false; }
  /// Before the first row: the rows from then on are those of a picture that is smaller by `factor`, of
  /// reduced_extent(). False, and nothing has changed, where this decoder cannot do that.
  [[nodiscard]] virtual bool reduce(int /*factor*/) { return false; }
  /// Writes row `y`: samples of the image's depth in the machine's byte order, alpha after the colours.
  /// Without random access the rows are asked for from 0 on, each once. Throws Error.
  virtual void decode(std::int64_t y, std::byte* row) = 0;
  /// As Source::read_ahead().
  virtual void read_ahead(const Interval& /*rows*/, std::int64_t /*max_bytes*/) {}
  /// Called once after the last row of a sequential decoder, to find damage behind it.
  virtual void finish() {}
  /// With salvage: how much there is of row `y`, which was the last to be decoded. A row whose decoding has
  /// thrown is lost.
  [[nodiscard]] virtual RowState state(std::int64_t /*y*/) const { return RowState::whole; }
  /// With salvage: what is wrong, once state() has called a row lost.
  [[nodiscard]] virtual Error damage() const {
    return {ErrorCode::damaged_input, "The image is damaged: none of its rows can be read."};
  }
  /// What rows look like that state() calls lost, in a word for people.
  [[nodiscard]] virtual std::string_view look_of_lost_rows() const { return "black"; }
  /// What else there is to be said of the image, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }
};

/// Splits off alpha, keeps the order of sequential reads and, with `salvage`, turns damage into black rows,
/// of which its warnings speak. Where salvage gets no row at all, that is an Error(damaged_input) all the
/// same. The orientation of `header` is not looked at.
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
