// SPDX-License-Identifier: Apache-2.0
// Runs the real program, as a user would.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "image/image.hpp"

namespace tessera::testing {

struct Outcome {
  int exit_code = -1;  ///< 128 + signal if one ended it
  std::string out;
  std::string err;
  std::int64_t peak_bytes = 0;  ///< resident memory of its biggest process
};

/// The program while it runs. Killed when destroyed.
class Program {
 public:
  struct Setup {
    std::vector<std::string> environment = {};  ///< NAME=VALUE, added
    std::string input = {};                     ///< what it reads from standard input
    /// A command that starts it, such as {"ip", "netns", "exec", "NAME"}.
    std::vector<std::string> through = {};
    bool terminal = false;  ///< standard error is a terminal; what it shows is in Outcome::err
  };
  explicit Program(const std::vector<std::string>& arguments) : Program(arguments, Setup{}) {}
  Program(const std::vector<std::string>& arguments, const Setup& setup);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Reads until standard error holds `text`; false if the program ends before.
  [[nodiscard]] bool wait_for_error(const std::string& text);
  /// The same, and for the end of its line.
  [[nodiscard]] bool wait_for_error_line(const std::string& text);
  /// Everything it has written to standard error so far.
  [[nodiscard]] const std::string& error_so_far() const { return err_; }
  Outcome wait();

 private:
  bool read_some();
  pid_t pid_ = -1;
  int out_ = -1;
  int err_end_ = -1;
  std::string out_text_;
  std::string err_;
};

[[nodiscard]] Outcome run_program(const std::vector<std::string>& arguments,
                                  const Program::Setup& setup = {});
/// Any other program, found in PATH.
[[nodiscard]] Outcome run_other(const std::string& program, const std::vector<std::string>& arguments);

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::vector<std::string> names() const;  ///< of all files in it, sorted

 private:
  std::filesystem::path path_;
};

/// A binary PNM of deterministic noise.
[[nodiscard]] std::string pnm(std::int64_t width, std::int64_t height, int channels, std::uint32_t seed = 1);
void write_file(const std::string& file, const std::string& content);
[[nodiscard]] std::string read_file(const std::string& file);

}  // namespace tessera::testing
