// SPDX-License-Identifier: Apache-2.0
// A real server of a test's own: a process on free loopback ports, in a temporary folder, ended with the
// test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tessera::testing {

/// A free TCP port of 127.0.0.1, which no other test gets while this process lives.
[[nodiscard]] int free_port();

/// A new folder under the system's temporary one, removed with all it holds at the end.
class ServerFolder {
 public:
  ServerFolder();
  ~ServerFolder();
  ServerFolder(const ServerFolder&) = delete;
  ServerFolder& operator=(const ServerFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// All of a file; empty if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

class ServerProcess {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;
  /// Starts `command` in a process group of its own; its output goes to `log`. It dies with this process.
  /// `working_folder` is its working folder; empty: that of this process.
  ServerProcess(std::vector<std::string> command, const Environment& environment, std::filesystem::path log,
                const std::filesystem::path& working_folder = {});
  /// Stops it in order (SIGTERM), or kills it with its group if that takes more than ten seconds.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Returns once a connection to 127.0.0.1:`port` succeeds and `ready` (if given) returns true. Throws
  /// std::runtime_error with the end of the log if the process ends before, or after `timeout`.
  void wait_until_ready(int port, const std::function<bool()>& ready = {},
                        std::chrono::seconds timeout = std::chrono::seconds(180));
  void stop();
  void kill();     ///< SIGKILL to the whole group, as a crash
  void suspend();  ///< SIGSTOP: alive, but silent from when this returns
  void resume();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();

 private:
  void signal_group(int signal) const;
  std::filesystem::path log_;
  pid_t pid_ = -1;
};

}  // namespace tessera::testing
