// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, SIGTERM and time limits as stop tokens.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/file_descriptor.hpp"

namespace tessera::cli {

/// While one exists, SIGINT, SIGTERM and SIGUSR1 (what mpirun can pass on to all ranks) ask the current work
/// to stop instead of ending the process. Create it before any other thread, so that they all leave the
/// signals to it.
class Interrupts {
 public:
  /// `insist`: a second signal ends the process at once. Not for ranks: mpirun sends several by itself.
  /// `timed_out` is called when the time of a piece of work is over, on a thread of its own. Throws Error(io)
  /// if the system gives no descriptors.
  explicit Interrupts(bool insist, std::function<void()> timed_out = {});
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  /// Begins a piece of work: its token is stopped by a signal (also one that came before) or, if `timeout_s`
  /// is not 0, when that time is over.
  [[nodiscard]] std::stop_token begin(double timeout_s);
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  /// Whether the time of the current work is over.
  [[nodiscard]] bool timed_out() const { return timed_out_; }

 private:
  void watch();
  void stop_current();
  void take_timeout();

  bool insist_;
  std::function<void()> on_timeout_;
  FileDescriptor signals_;
  FileDescriptor timer_;
  FileDescriptor ended_;
  std::atomic<bool> interrupted_ = false;
  std::atomic<bool> timed_out_ = false;
  std::mutex mutex_;
  std::stop_source current_;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace tessera::cli
