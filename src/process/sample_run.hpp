// SPDX-License-Identifier: Apache-2.0
// A small part of an image, worked on to see what the whole will be like.
#pragma once

#include <optional>
#include <vector>

#include "image/stream.hpp"
#include "ops/operator.hpp"
#include "process/process.hpp"

namespace tessera {

/// Applies `operators` to at most 512 x 512 pixels from the middle of an image or, where rows are read in order, from
/// the middle of its top, and returns the bytes of the encoded result for each byte of its pixels. Nothing if that part
/// cannot be read or worked on, such as where it is smaller than operators need, and where all of the image would have to
/// be decoded for it. `source`, of which nothing has been read, is not to be read after.
[[nodiscard]] std::optional<double> sample_encoded_ratio(Source& source,
                                                         const std::vector<Operator>& operators,
                                                         const ProcessOptions& options);

}  // namespace tessera
