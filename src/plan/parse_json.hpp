// SPDX-License-Identifier: Apache-2.0
// JSON that people write, with errors that say where.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.hpp"

namespace tessera {

/// What an editor would call the column: code points before `at`, from 1.
[[nodiscard]] std::size_t column_of(std::string_view text, std::size_t at);

/// As parse_untrusted_json(). Throws Error(usage): "`what` is not valid JSON: something is wrong at character 7."
[[nodiscard]] Json parse_json(std::string_view text, std::string_view what);

}  // namespace tessera
