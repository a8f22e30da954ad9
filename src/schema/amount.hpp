// Amounts as people type them.
#pragma once

#include <cstdint>
#include <string_view>

namespace tessera {

/// "300", "1.5M", "2G": a number of at least `least`, perhaps with k, M, G or T (powers of 1000) after it.
/// `flag` names the option in the sentence. Throws Error(usage).
[[nodiscard]] std::int64_t parse_amount(std::string_view flag, std::string_view text, std::int64_t least = 1);

}  // namespace tessera
