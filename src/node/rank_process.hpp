// The process behind a group of ranks: mpirun, or a single worker.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"

namespace tessera {

class RankProcess {
 public:
  /// Starts `command` in a process group of its own, its messages caught. It is told to end when the calling
  /// thread ends. Throws Error(io).
  RankProcess(std::vector<std::string> command, std::vector<std::string> environment);
  /// Kills what is left.
  ~RankProcess();
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  /// Readable when the process has ended.
  [[nodiscard]] int end_descriptor() const { return end_.get(); }
  /// Readable when it has said something.
  [[nodiscard]] int message_descriptor() const { return messages_.get(); }
  /// Takes in what was said; the last 64 KiB are kept. False when nothing more will come.
  bool read_messages();
  [[nodiscard]] const std::string& messages() const { return said_; }

  void tell_to_end();
  void kill();
  /// Waits for the end; status as waitpid gives it.
  int wait();

 private:
  pid_t pid_ = -1;
  FileDescriptor end_;
  FileDescriptor messages_;
  int status_ = 0;
  std::string said_;
};

/// A socket that listens at `address` ("unix:/path" or "tcp:host:0"; the port is chosen and put in).
class Listener {
 public:
  /// Throws Error(usage) for an address that cannot be, Error(io).
  explicit Listener(const std::string& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] const std::string& address() const { return address_; }
  /// A connection, which does not block; none if there is none.
  [[nodiscard]] FileDescriptor accept() const;

 private:
  void bind_to_path();
  void bind_to_host();

  std::string address_;
  std::string path_;
  FileDescriptor socket_;
};

}  // namespace tessera
