// SPDX-License-Identifier: Apache-2.0
// How whole numbers of several ranks become one.
#pragma once

#include <cstdint>

namespace tessera {

/// How the values of two ranks, or of two pieces of an image, are combined. Both are associative, commutative
/// and exact.
enum class Merge : std::uint8_t { sum, maximum };

}  // namespace tessera
