// What Tessera needs of EXIF and XMP: the orientation and the resolution.
#pragma once

#include "core/bytes.hpp"

namespace tessera {

/// The orientation 1..8 in an EXIF block (without the "Exif\0\0" prefix); 1 where there is none or it makes
/// no sense.
[[nodiscard]] int exif_orientation(const Bytes& exif);

struct Resolution {
  double pixels_per_mm_x = 0;  ///< 0: unknown
  double pixels_per_mm_y = 0;
};
[[nodiscard]] Resolution exif_resolution(const Bytes& exif);

/// Sets every orientation in the first directory to 1, because it has been applied.
void clear_exif_orientation(Bytes& exif);

/// The same for tiff:Orientation in XMP, as attribute or element.
void clear_xmp_orientation(Bytes& xmp);

}  // namespace tessera
