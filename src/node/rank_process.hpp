// SPDX-License-Identifier: Apache-2.0
// The parent process of a group of ranks: mpirun, or a single worker.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"

namespace tessera {

class RankProcess {
 public:
  /// Starts `command` in a new process group and captures its output. It gets SIGTERM when the calling thread
  /// ends. Throws Error(io).
  RankProcess(std::vector<std::string> command, std::vector<std::string> environment);
  /// Kills the process group.
  ~RankProcess();
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  /// Readable when the process has ended.
  [[nodiscard]] int end_descriptor() const { return end_.get(); }
  /// Readable when there is output.
  [[nodiscard]] int message_descriptor() const { return messages_.get(); }
  /// Reads available output; the last 64 KiB are kept. False at the end of the output.
  bool read_messages();
  [[nodiscard]] const std::string& messages() const { return output_; }

  void terminate();
  void kill();
  /// Waits for the end; returns the status of waitpid.
  int wait();

 private:
  pid_t pid_ = -1;
  FileDescriptor end_;
  FileDescriptor messages_;
  int status_ = 0;
  std::string output_;
};

/// A socket that listens at `address` ("unix:/path" or "tcp:host:0"; the chosen port is filled in).
class Listener {
 public:
  /// Throws Error(usage) for an invalid address, Error(io).
  explicit Listener(const std::string& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] const std::string& address() const { return address_; }
  /// A non-blocking connection; invalid if none is waiting.
  [[nodiscard]] FileDescriptor accept() const;

 private:
  void bind_to_path();
  void bind_to_host();

  std::string address_;
  std::string path_;
  FileDescriptor socket_;
};

}  // namespace tessera
