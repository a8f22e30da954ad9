// Any bytes as EXIF and as XMP: an orientation that can be, and none once it has been cleared.
#include <cstdint>
#include <cstdlib>

#include "codec/read/exif.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  tessera::Bytes exif(begin, begin + size);
  const int orientation = tessera::exif_orientation(exif);
  const tessera::Resolution resolution = tessera::exif_resolution(exif);
  if (orientation < 1 || orientation > 8 || !(resolution.pixels_per_mm_x >= 0) ||
      !(resolution.pixels_per_mm_y >= 0)) {
    std::abort();
  }
  tessera::clear_exif_orientation(exif);
  if (tessera::exif_orientation(exif) != 1 || exif.size() != size) {
    std::abort();
  }
  tessera::Bytes xmp(begin, begin + size);
  tessera::clear_xmp_orientation(xmp);
  return 0;
}
