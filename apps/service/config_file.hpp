// SPDX-License-Identifier: Apache-2.0
// The file of --config: options of a command as TOML.
#pragma once

#include <CLI/App.hpp>

namespace tessera::service {

/// Adds --config. CLI11's own set_config() is not used, since it reads a file only for the program itself and
/// ignores the option of a subcommand.
void add_config_option(CLI::App& command);

/// Reads the file that --config of the parsed command names, if there is one: its options count where neither
/// a flag nor an environment variable gives them. Options stand without a section, or in one with the
/// command's name; sections of other commands are left to these. Throws Error for a file that cannot be read,
/// an option that the command does not have, and a value that it does not take.
void read_config_file(CLI::App& command);

}  // namespace tessera::service
