// SPDX-License-Identifier: Apache-2.0
// Where each result goes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "schema/output_options.hpp"

namespace tessera::cli {

struct WorkItem {
  std::string input;        ///< a file, or "-" for standard input
  std::string output;       ///< a file, "-" for standard output, or empty for no picture
  std::string backup = {};  ///< what the input is kept as when its result replaces it; empty: it is not
};

struct OutputRules {
  /// A file, a folder, "-", or a template with {stem}, {ext}, {name} or {folder}; empty: no picture.
  std::string output;
  std::string suffix = {};     ///< after the stem of results that are named after their input
  bool folder = false;         ///< the output is a folder, whether there is one or not
  bool replace = false;        ///< existing files may be replaced (never an input)
  bool skip_existing = false;  ///< inputs whose result exists are left out
  bool in_place = false;       ///< results replace their inputs
  std::string backup = {};     ///< appended to the name of an input that is replaced; empty: it is not kept
  std::optional<FileFormat> format = {};  ///< of results; nothing: by their names
  /// Extension without its dot of a result that is named after its input.
  std::function<std::string(const std::string& input)> extension = {};
};

struct Work {
  std::vector<WorkItem> items;
  std::vector<WorkItem> skipped;  ///< their results exist
};

/// Pairs inputs with outputs. Images that were found in folders keep their place below the output folder. Throws
/// Error(usage) if an output exists, is also an input, or would be written twice, and for an unknown placeholder.
[[nodiscard]] Work plan_work(const Inputs& inputs, const OutputRules& rules);

/// Makes the folders that the results go to. Throws Error(io).
void make_output_folders(const Work& work, const OutputRules& rules);

/// Throws Error(usage) unless `file`, which is no folder of tiles, may be written: nothing has the name, or it is a file and `replace`, or
/// a device, FIFO, socket or open file that is written into; and it is none of `inputs`, no folder and no
/// terminal.
void check_writable(const std::string& file, bool replace, const InputFiles& inputs);

/// "-" for other names of standard output, such as /dev/stdout; every other name as it is.
[[nodiscard]] std::string output_name(const std::string& typed);

/// Whether `file` is written into rather than replaced: standard output, a device, a FIFO, a socket.
[[nodiscard]] bool is_stream_output(const std::string& file);

/// "name.ext" of a result of `input` in `folder`.
[[nodiscard]] std::string name_beside(const std::string& input, const std::string& folder,
                                      const std::string& extension);

}  // namespace tessera::cli
