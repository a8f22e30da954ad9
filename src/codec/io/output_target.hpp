// SPDX-License-Identifier: Apache-2.0
// What is behind the name of an output: a file that can be replaced, or something that can only be written
// into.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>

namespace tessera {

enum class OutputKind : std::uint8_t {
  none,    ///< nothing has the name yet
  file,    ///< a regular file
  folder,  ///< a folder
  /// A device, a FIFO, a socket, or an open file behind a link such as /dev/stdout: it has no name that a
  /// finished file could take over, so the bytes are written into it.
  stream,
};

struct OutputTarget {
  OutputKind kind = OutputKind::none;
  /// Where to write: the name with all symbolic links at its end followed. Of a link into /proc/self/fd it is
  /// that link.
  std::filesystem::path path;
};

/// Looks at what has the name. Throws Error(io) for links that lead in a circle, and for a link of another
/// user in a folder where everyone may write (as Linux itself does with fs.protected_symlinks).
[[nodiscard]] OutputTarget find_output_target(const std::filesystem::path& name);

/// Whether `name` is "-" or another name of this process' standard output, such as /dev/stdout.
[[nodiscard]] bool is_standard_output(const std::filesystem::path& name);

/// The same of standard input, such as /dev/stdin.
[[nodiscard]] bool is_standard_input(const std::filesystem::path& name);

/// Opens a stream for writing; waits for the reader of a FIFO. Throws Error(io).
[[nodiscard]] int open_stream(const std::filesystem::path& path);

/// Gives a file that will replace `old` its mode and, as far as this process may, its owner, group and
/// extended attributes (access control lists among them). Where the owner cannot be kept, neither are the
/// set-user-ID and set-group-ID bits. Nothing if there is no `old`.
void take_over_attributes(const std::filesystem::path& old, int descriptor);

}  // namespace tessera
