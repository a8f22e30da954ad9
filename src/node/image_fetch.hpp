// SPDX-License-Identifier: Apache-2.0
// Fetching the image of a job.
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
  /// Starts to fetch the image to `file`, on a thread of its own. With a local folder as store, the object's
  /// file is used directly. `fetched` is called with the duration, on that thread. `objects` must outlive
  /// this object.
  ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
             const std::stop_token& stop, std::function<void(std::chrono::duration<double>)> fetched);
  /// Stops an unfinished transfer.
  ~ImageFetch();
  ImageFetch(const ImageFetch&) = delete;
  ImageFetch& operator=(const ImageFetch&) = delete;

  /// Waits for the image and returns its path. Call it once. Throws Error(not_found) with a message for the
  /// uploader, Error(cancelled) when stopped, and what a store throws.
  [[nodiscard]] std::filesystem::path wait();

 private:
  std::stop_source stop_source_;
  std::stop_callback<std::function<void()>> forward_stop_;  ///< forwards the caller's stop request
  std::future<std::filesystem::path> file_;
};

/// Throws Error(not_found) as wait() does, or the store's error if the whole store is unavailable.
[[noreturn]] void throw_missing_image(const JobRequest& request, ObjectStore& objects);

}  // namespace tessera
