// SPDX-License-Identifier: Apache-2.0
// From the metadata of what was read to those of the result: true of its size and colours, and what its
// format can hold.
#pragma once

#include <string>
#include <vector>

#include "codec/writer.hpp"

namespace tessera {

struct ResultMetadata {
  Metadata metadata;
  std::vector<std::string> warnings;  ///< what was left out or converted, a sentence each
};

[[nodiscard]] ResultMetadata metadata_for_result(Metadata source, const ImageInfo& result,
                                                 const WriteOptions& options);

/// Millimetres of a unit; of `ratio`, which has none, 1.
[[nodiscard]] double unit_millimetres(Resolution::Unit unit);

/// The resolution as JFIF can say it: whole numbers up to 65535.
struct JfifDensity {
  std::uint8_t unit = 0;  ///< 0: ratio, 1: to the inch, 2: to the centimetre
  std::uint16_t x = 1;
  std::uint16_t y = 1;
  bool exact = true;  ///< to a thousandth
};
[[nodiscard]] JfifDensity jfif_density(const Resolution& resolution);

/// The largest EXIF block and XMP packet of a JPEG, which has 16 bits for their length.
inline constexpr std::size_t jpeg_max_exif_bytes = 65533 - 6;
inline constexpr std::size_t jpeg_max_xmp_bytes = 65533 - 29;
inline constexpr std::size_t jpeg_max_photoshop_bytes = 65533 - 14;

}  // namespace tessera
