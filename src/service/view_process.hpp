// SPDX-License-Identifier: Apache-2.0
// One of the processes that decode images for viewers.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "ranks/channel.hpp"
#include "service/view_pool.hpp"

namespace tessera::service {

/// The process is gone; what it was asked may be asked of another.
class ViewProcessLost : public std::exception {};

/// For one thread, but for stop() and stopped(). The process is sent a signal when the thread that started it ends.
class ViewProcess {
 public:
  struct Shown {
    ImageShown image;
    std::string part;  ///< encoded; empty where none was asked for
  };

  /// Throws Error(unavailable) if it cannot be started.
  ViewProcess(const ViewPoolOptions& options, std::string owner);
  ~ViewProcess() { end(); }
  ViewProcess(const ViewProcess&) = delete;
  ViewProcess& operator=(const ViewProcess&) = delete;

  [[nodiscard]] const std::string& owner() const { return owner_; }
  /// Throws what decoding throws, ViewProcessLost, and Error(rank_lost) for what no such process says.
  [[nodiscard]] Shown show(const ViewedFile& image, const std::optional<ShowPart>& part);
  /// Ends it: whoever waits for an answer gets none.
  void stop();
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  [[nodiscard]] ViewReply ask(const ViewRequest& request, const FileDescriptor& file);
  void end();

  const ViewPoolOptions& options_;
  std::string owner_;
  pid_t pid_ = -1;
  std::unique_ptr<RankChannel> channel_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace tessera::service
