// SPDX-License-Identifier: Apache-2.0
// Manual pages, drawn from the declarations of commands.
#pragma once

#include <string>
#include <string_view>

#include "program_command.hpp"

namespace tessera {

/// A line for each exit code of a program, with what it means.
[[nodiscard]] std::string exit_code_lines();

/// Adds a hidden command "manual FOLDER" that writes the pages of the visible commands of `program` into a folder; with
/// `whole`, that of the program too. `program` must outlive the result.
[[nodiscard]] Command add_manual(CLI::App& program, std::string_view version, bool whole);

/// The page of one command ("tessera-apply(1)") in the language of man(7). `program` is the name before the
/// command's; `exit_codes` is the text of that section.
[[nodiscard]] std::string manual_page(const CLI::App& command, std::string_view program,
                                      std::string_view version, std::string_view exit_codes);

/// The page of the program itself, which lists its commands.
[[nodiscard]] std::string program_manual_page(const CLI::App& program, std::string_view version,
                                              std::string_view exit_codes);

}  // namespace tessera
