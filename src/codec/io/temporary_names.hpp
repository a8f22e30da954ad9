// SPDX-License-Identifier: Apache-2.0
// Names and texts that nobody else has.
#pragma once

#include <filesystem>
#include <string>

namespace tessera {

/// A hidden name in `folder` for what will get its own name when it is complete: ".tessera-*.part".
[[nodiscard]] std::filesystem::path hidden_name_in(const std::filesystem::path& folder);

/// 32 hexadecimal digits, by which one file is told from another that has its name on another machine.
[[nodiscard]] std::string random_token();

}  // namespace tessera
