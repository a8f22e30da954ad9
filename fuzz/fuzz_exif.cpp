// SPDX-License-Identifier: Apache-2.0
// Any bytes as EXIF, XMP, IPTC, a profile and a text of a PNG: what is cleaned stays as it is when it is
// cleaned again, and is not much larger than what it was made of.
#include <cstdint>
#include <cstdlib>

#include "codec/metadata/exif.hpp"
#include "codec/metadata/exif_block.hpp"
#include "codec/metadata/icc.hpp"
#include "codec/metadata/iptc.hpp"
#include "codec/metadata/raw_profile.hpp"
#include "codec/metadata/xmp.hpp"

namespace {

using namespace tessera;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void try_exif(const Bytes& bytes) {
  const int orientation = exif_orientation(bytes);
  require(orientation >= 1 && orientation <= 8);
  const Resolution resolution = exif_resolution(bytes);
  require(resolution.x >= 0 && resolution.y >= 0);
  const Bytes clean = clean_exif(bytes).bytes;
  require(exif_orientation(clean) == 1);
  // Tags are as long as their values at least, and a maker note may stand 64 KB behind them.
  require(clean.size() <= 4 * bytes.size() + 66'000);
  require(clean_exif(clean).bytes == clean);
  const Bytes without = exif_without_location(clean);
  if (const auto block = parse_exif(without)) {
    require(block->location.empty());
    static_cast<void>(serialize_for_tiff(*block, 16, bytes.size() % 2 == 0));
  }
  static_cast<void>(exif_of_result(clean, {17, 4}, {300, 150, Resolution::Unit::metre}, true));
}

void try_xmp(const Bytes& bytes) {
  const auto clean = clean_xmp(bytes);
  require(!clean || clean_xmp(*clean) == clean);
  static_cast<void>(xmp_of_result(bytes, {17, 4}));
  const auto without = xmp_without_location(bytes);
  require(!without || without->size() <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  const Bytes bytes(begin, begin + size);
  try_exif(bytes);
  try_xmp(bytes);
  require(iptc_without_location(iptc_from_photoshop(bytes)).size() <= size);
  static_cast<void>(convert_profile(bytes, ProfileSpace::gray));
  static_cast<void>(convert_profile(bytes, ProfileSpace::rgb));
  static_cast<void>(is_srgb(bytes));
  static_cast<void>(decode_raw_profile({reinterpret_cast<const char*>(data), size}));
  return 0;
}
