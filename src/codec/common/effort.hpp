// SPDX-License-Identifier: Apache-2.0
// Effort of compressors where none is asked for.
#pragma once

namespace tessera {

inline constexpr int fast_deflate_level = 1;  ///< of libdeflate
inline constexpr int fast_zstd_level = 1;

}  // namespace tessera
