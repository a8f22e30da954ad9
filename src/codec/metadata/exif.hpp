// SPDX-License-Identifier: Apache-2.0
// What Tessera reads and changes in EXIF.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "image/stream.hpp"
#include "tessera/geometry.hpp"

namespace tessera {

/// The orientation 1..8 in an EXIF block, as SHORT or LONG; 1 where there is none or it makes no sense.
[[nodiscard]] int exif_orientation(const Bytes& exif);

/// Unknown where there is none.
[[nodiscard]] Resolution exif_resolution(const Bytes& exif);

/// The block as it goes on from the reader: without what stands before it in some files, without the
/// thumbnail (which shows the picture before it was processed) and with orientation 1, because it has been
/// applied.
struct CleanExif {
  Bytes bytes;           ///< empty if `stored` is no EXIF block
  bool damaged = false;  ///< tags were left out because they could not be read
};
[[nodiscard]] CleanExif clean_exif(const Bytes& stored);

/// What EXIF says of the picture's size and resolution, where it says so; a known `resolution` in any case if
/// `add_resolution`. An empty block then becomes one with the resolution alone.
[[nodiscard]] Bytes exif_of_result(const Bytes& exif, const Extent& extent, const Resolution& resolution,
                                   bool add_resolution);

/// Without the GPS directory.
[[nodiscard]] Bytes exif_without_location(const Bytes& exif);

/// Without the maker note, which is most of what makes a block large.
[[nodiscard]] Bytes exif_without_maker_note(const Bytes& exif);

}  // namespace tessera
