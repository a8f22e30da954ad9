// SPDX-License-Identifier: Apache-2.0
// The smaller levels of an image that its file holds beside it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/reader.hpp"

namespace tessera {

/// Opens the levels of the TIFF in an open file, largest first. A level counts if it is the next in the file,
/// has half the width and height of the one before (rounded up) and the same format of pixels; the first
/// picture that does not ends the list. The levels that we write are means of two by two pixels
/// (ops/geometry/halve.hpp). Nothing for other formats, for files of several pictures, and where an
/// orientation is still to be applied. `descriptor` stays the caller's and is no longer needed; `name` is
/// what sentences call the image. Throws what open_image() throws.
[[nodiscard]] std::vector<std::unique_ptr<Source>> open_levels(int descriptor, const std::string& name,
                                                               const ReadOptions& options);

}  // namespace tessera
