// Which files a command reads and where each result goes.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tessera::cli {

struct WorkItem {
  std::string input;   ///< a file, or "-" for standard input
  std::string output;  ///< a file, "-" for standard output, or empty for no picture
  int open_file = -1;  ///< the input where it is open already; `input` is then only what to call it
};

/// Names as typed, with *, ? and [...] expanded where no file has the name itself (shells leave quoted
/// patterns alone). Throws Error(not_found) for a pattern that matches nothing.
[[nodiscard]] std::vector<std::string> expand_inputs(const std::vector<std::string>& typed);

struct OutputRules {
  std::string output;    ///< as typed: a file, a folder or "-"
  bool replace = false;  ///< existing files may be replaced (never an input)
  /// Extension without its dot of a result that is named after its input.
  std::function<std::string(const std::string& input)> extension;
};

/// Pairs inputs with outputs, making the output folder if there is to be one. Throws Error(usage) if an
/// output exists, is also an input, or would be written twice.
[[nodiscard]] std::vector<WorkItem> plan_work(const std::vector<std::string>& inputs,
                                              const OutputRules& rules);

/// Throws Error(usage) unless `file` may be written: it does not exist, or `replace`; and it is none of
/// `inputs`.
void check_writable(const std::string& file, bool replace, const std::vector<std::string>& inputs);

/// "name.ext" of a result of `input` in `folder`.
[[nodiscard]] std::string name_beside(const std::string& input, const std::string& folder,
                                      const std::string& extension);

}  // namespace tessera::cli
