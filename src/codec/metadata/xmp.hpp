// SPDX-License-Identifier: Apache-2.0
// What Tessera changes in XMP. Elements and attributes are found in the text and the rest stays as it is,
// byte for byte, because the packet may be signed or padded by its maker.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "tessera/geometry.hpp"

namespace tessera {

/// As it goes on from the reader: tiff:Orientation is 1, because it has been applied, and thumbnails, which
/// show the picture before it was processed, are gone. Nothing if the text is not well-formed where that
/// matters.
[[nodiscard]] std::optional<Bytes> clean_xmp(const Bytes& xmp);

/// With the size of the result where it names one. Nothing as for clean_xmp().
[[nodiscard]] std::optional<Bytes> xmp_of_result(const Bytes& xmp, const Extent& extent);

/// Without GPS and without the names of places. Nothing as for clean_xmp().
[[nodiscard]] std::optional<Bytes> xmp_without_location(const Bytes& xmp);

}  // namespace tessera
