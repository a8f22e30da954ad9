// SPDX-License-Identifier: Apache-2.0
// --trim: images without the uniform border around them.
#pragma once

#include <vector>

#include "process/process.hpp"

namespace tessera::cli {

/// `operators` behind a crop to what is left of `input` without its border (operator find-border), if it has one. A plan
/// knows all sizes before pixels are read, so this reads the image once by itself. Collective; throws what
/// process_image() does, and Error(usage) for an input that cannot be read twice.
[[nodiscard]] std::vector<Operator> after_trim(const ImageInput& input, double tolerance_level,
                                               const std::vector<Operator>& operators,
                                               const ProcessOptions& options, const ProcessContext& context);

}  // namespace tessera::cli
