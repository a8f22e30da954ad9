// SPDX-License-Identifier: Apache-2.0
// Options for how results are written, the same for every command that has them.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "schema/output_options.hpp"

namespace tessera {

/// Adds an option for each in the table of output options, such as -f/--format and --pyramid, described as there. `options`
/// must stay alive until the options have been read. `kinds`: what the command can write.
void add_output_options(CLI::App& app, OutputOptions& options, FormatKinds kinds);

/// Adds those of them that choose the picture in a file: --page and --overview.
void add_picture_options(CLI::App& app, OutputOptions& options);

/// Adds -f/--format alone.
void add_format_option(CLI::App& app, std::optional<FileFormat>& format, FormatKinds kinds,
                       const std::string& doc);

}  // namespace tessera
