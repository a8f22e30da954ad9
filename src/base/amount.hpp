// SPDX-License-Identifier: Apache-2.0
// Amounts as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tessera {

/// "300", "1.5M", "2G": a number of at least `least`, perhaps with k, M, G or T (powers of 1000) after it.
/// `flag` names the option in the sentence. Throws Error(usage).
[[nodiscard]] std::int64_t parse_amount(std::string_view flag, std::string_view text, std::int64_t least = 1);

[[nodiscard]] std::string bytes_text(std::int64_t bytes);  ///< "1.4 MB": powers of ten
[[nodiscard]] std::string seconds_text(double seconds);    ///< "0.42 s", "3 min 12 s"

}  // namespace tessera
