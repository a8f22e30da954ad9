// SPDX-License-Identifier: Apache-2.0
// A file of which a few bytes are read as others.
#pragma once

#include "codec/io/input.hpp"

namespace tessera {

/// `input` with `bytes` in the place of what it has from `offset` on.
[[nodiscard]] std::shared_ptr<const Input> make_patched_input(std::shared_ptr<const Input> input,
                                                              std::int64_t offset, Bytes bytes);

}  // namespace tessera
