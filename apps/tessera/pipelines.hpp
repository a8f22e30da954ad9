// What a pipeline on the command line may draw on: presets, and images that operators name.
#pragma once

#include <string>

#include "codec/reader.hpp"
#include "ops/kinds.hpp"
#include "plan/pipeline.hpp"

namespace tessera::cli {

/// The presets of `file`; if it is empty, of $TESSERA_PRESETS, or else of
/// $XDG_CONFIG_HOME/tessera/presets.json
/// (~/.config) if that exists.
[[nodiscard]] Presets load_presets(const std::string& file);

/// Reads images that operators name as parameters, from files.
[[nodiscard]] ImageLoader image_loader(const ReadOptions& options);

/// Names a file that holds what came on standard input, for ranks that a launcher has started: mpirun 4.1 may
/// crash when it passes its own standard input on.
inline constexpr const char* stdin_variable = "TESSERA_STDIN";

/// The whole content of a file or of standard input ("-"), at most `max_bytes`.
[[nodiscard]] Bytes read_all(const std::string& file, std::int64_t max_bytes);

/// Whether `file` is a pipe, such as the shell's <(command), which can be read only once and in order.
[[nodiscard]] bool is_pipe(const std::string& file);

/// Opens an image for a command: a file, "-" or a pipe, both of which are read into memory first.
[[nodiscard]] std::unique_ptr<Source> open_input_image(const std::string& file, const ReadOptions& options);

}  // namespace tessera::cli
