// SPDX-License-Identifier: Apache-2.0
// The processes that decode images for viewers. The gateway itself never decodes: images come from anybody, and
// these processes have few rights (ranks/sandbox.hpp), limited memory and limited time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.hpp"
#include "ranks/messages.hpp"
#include "ranks/sandbox.hpp"

namespace tessera::service {

struct ViewPoolOptions {
  std::filesystem::path program;  ///< the tessera command
  std::filesystem::path folder;   ///< private; for what encoders write
  int processes = 2;
  int threads = 1;                                    ///< of each process
  std::int64_t memory_bytes = std::int64_t{1} << 30;  ///< of each process; half of it holds decoded rows
  std::chrono::milliseconds time_limit{20'000};       ///< for one request
  /// Requests that wait or are being worked on, each in a thread of the server; half of them for one owner. More are
  /// rejected with 503.
  std::size_t max_waiting = 96;
  std::int64_t max_read_pixels = std::int64_t{1} << 29;  ///< of the file, for one request
  std::int64_t max_part_pixels = std::int64_t{1} << 24;  ///< of the encoded part
  std::int64_t max_part_bytes = std::int64_t{64} << 20;
  Json image_limits = Json::object();  ///< WorkLimits of the image and of the processed picture
  SandboxMode sandbox = SandboxMode::automatic;
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

/// An image as processes get it.
struct ViewedFile {
  std::string owner;  ///< a process never serves two owners: it is started again between them
  std::string key;    ///< of this version of the object
  std::string name;   ///< for sentences
  Json pipeline = Json::array();
  std::shared_ptr<const FileDescriptor> file;  ///< open for reading only
};

class ViewProcess;

/// Safe to use from many threads. What several requests ask for while it is being made is made once.
class ViewPool {
 public:
  explicit ViewPool(ViewPoolOptions options);
  ~ViewPool();  ///< end()
  ViewPool(const ViewPool&) = delete;
  ViewPool& operator=(const ViewPool&) = delete;

  [[nodiscard]] const ViewPoolOptions& options() const { return options_; }

  // Both wait for a process. `check` is called several times a second while they wait, and may throw. They throw
  // what decoding throws (ViewedImage), Error(limit_exceeded) for work that takes too long or ends its process,
  // Error(busy), and Error(unavailable) if no process can be started.

  [[nodiscard]] ImageShown describe(const ViewedFile& image, const std::function<void()>& check);
  /// Requests under way, and those to come, end with Error(unavailable).
  void end();
  /// The encoded part.
  [[nodiscard]] std::shared_ptr<const std::string> render(const ViewedFile& image, const ShowPart& part,
                                                          const std::function<void()>& check);

 private:
  struct Task;
  class AtWork;
  class Place;
  using Time = std::chrono::steady_clock::time_point;

  std::shared_ptr<Task> run(const ViewedFile& image, const std::optional<ShowPart>& part,
                            const std::function<void()>& check);
  void serve(const std::stop_token& stop);
  /// The next task for a process that has served `owner` since `turn_begin`, if there is one for it. Requires mutex_.
  [[nodiscard]] std::deque<std::shared_ptr<Task>>::iterator choose(const std::string& owner, Time turn_begin);
  /// Requires mutex_.
  void finish(Task& task);
  void perform(Task& task, std::unique_ptr<ViewProcess>& process);
  void watch(const std::stop_token& stop);

  const ViewPoolOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_:
  std::deque<std::shared_ptr<Task>> waiting_;
  std::map<std::string, std::shared_ptr<Task>> tasks_;  ///< by name; waiting or under way
  std::size_t requests_ = 0;                            ///< that wait for tasks
  std::map<std::string, std::size_t> requests_of_;      ///< by owner
  std::multiset<std::string> idle_owners_;              ///< of processes that wait for tasks
  std::map<ViewProcess*, Time> deadlines_;              ///< of processes at work
  bool ended_ = false;

  std::vector<std::jthread> threads_;  ///< one for each process, and the watch; last, so that they end first
};

}  // namespace tessera::service
