// SPDX-License-Identifier: Apache-2.0
// Which files a command reads and where each result goes.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tessera::cli {

struct WorkItem {
  std::string input;   ///< a file, or "-" for standard input
  std::string output;  ///< a file, "-" for standard output, or empty for no picture
};

/// Names as typed, with *, ? and [...] expanded where no file has the name itself (shells leave quoted
/// patterns alone) and other names of standard input, such as /dev/stdin, as "-". Throws Error(not_found) for
/// a pattern that matches nothing.
[[nodiscard]] std::vector<std::string> expand_inputs(const std::vector<std::string>& typed);

struct OutputRules {
  std::string output;    ///< a file, a folder or "-"
  bool replace = false;  ///< existing files may be replaced (never an input)
  /// Extension without its dot of a result that is named after its input.
  std::function<std::string(const std::string& input)> extension;
};

/// Pairs inputs with outputs, making the output folder if there is to be one. Throws Error(usage) if an
/// output exists, is also an input, or would be written twice.
[[nodiscard]] std::vector<WorkItem> plan_work(const std::vector<std::string>& inputs,
                                              const OutputRules& rules);

/// The files that must not be written because they are read, known by what they are rather than by name.
/// Looking one up takes the same time however many there are.
class InputFiles {
 public:
  explicit InputFiles(const std::vector<std::string>& inputs);
  /// Whether `file`, links followed, is one of them.
  [[nodiscard]] bool contains(const std::string& file) const;

 private:
  std::set<std::pair<dev_t, ino_t>> files_;
};

/// Throws Error(usage) unless `file` may be written: nothing has the name, or it is a file and `replace`, or
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
