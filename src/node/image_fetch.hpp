// The image of a job on its way to this node.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <stop_token>

#include "ports/job.hpp"
#include "ports/object_store.hpp"

namespace tessera {

class ImageFetch {
 public:
  /// Begins to fetch the image to `file`, on a thread of its own. In a local folder it is used where it lies.
  /// `fetched` is told how long it took, on that thread. `objects` must outlive this.
  ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
             const std::stop_token& stop, std::function<void(std::chrono::duration<double>)> fetched);
  /// Stops it, if it is still on its way.
  ~ImageFetch();
  ImageFetch(const ImageFetch&) = delete;
  ImageFetch& operator=(const ImageFetch&) = delete;

  /// Waits until it is here, and returns where; once. Throws Error(not_found) in words for the one who
  /// uploaded it, Error(cancelled) when stopped, and what a store throws.
  [[nodiscard]] std::filesystem::path wait();

 private:
  std::stop_source own_stop_;
  std::stop_callback<std::function<void()>> pass_on_;  ///< the stop from outside
  std::future<std::filesystem::path> under_way_;
};

/// Throws Error(not_found) as wait() does, or what the store says if it is away as a whole.
[[noreturn]] void refuse_missing(const JobRequest& request, ObjectStore& objects);

}  // namespace tessera
