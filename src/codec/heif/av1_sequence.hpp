// SPDX-License-Identifier: Apache-2.0
// The sequence header of AV1 data, as far as the range of its samples.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace tessera {

/// Whether samples use the full range; nothing if `units`, the OBUs of a picture or of its configuration,
/// have no sequence header.
[[nodiscard]] std::optional<bool> av1_full_range(std::span<const std::byte> units);

}  // namespace tessera
