// SPDX-License-Identifier: Apache-2.0
// The commands of the program.
#pragma once

#include <string>
#include <vector>

#include "program_command.hpp"

namespace tessera::cli {

/// Everything after the program's name, for a command that starts this program again.
using Arguments = std::vector<std::string>;

Command add_apply(CLI::App& program, const Arguments& arguments);
Command add_convert(CLI::App& program, const Arguments& arguments);
Command add_thumbnail(CLI::App& program, const Arguments& arguments);
Command add_info(CLI::App& program);
Command add_ops(CLI::App& program);
Command add_explain(CLI::App& program);
Command add_presets(CLI::App& program);
Command add_compare(CLI::App& program);
Command add_completion(CLI::App& program);
/// Not for people: what 'tessera node' starts.
Command add_worker(CLI::App& program);
/// Not for people: what 'tessera gateway' starts.
Command add_transfer_worker(CLI::App& program);
Command add_view_worker(CLI::App& program);

/// For the help; what they do is in the service program.
void add_service_commands(CLI::App& program);
[[nodiscard]] bool is_service_command(const Arguments& arguments);
/// Replaces this process by the service program. Throws Error(not_found) if it is not installed.
int become_service(const Arguments& arguments);

/// Runs the command line and returns the exit code. Errors are printed as one sentence on stderr.
int run(const Arguments& arguments);

}  // namespace tessera::cli
