// SPDX-License-Identifier: Apache-2.0
// Fetching the image of a job.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>

#include "ports/job.hpp"
#include "ports/object_store.hpp"
#include "ranks/messages.hpp"

namespace tessera {

struct FetchedImage {
  std::filesystem::path file;
  /// Not empty: `file` holds only the first bytes of a large image; ranks read the rest by this link.
  std::optional<TransferGrant> transfer = {};
};

class ImageFetch {
 public:
  /// Starts to fetch the image to `file`, on a thread of its own. With a local folder as store, the object's
  /// file is used directly. Of a large image only the first bytes are fetched if the store can give a link that is
  /// valid for `link_lifetime`; zero: all of it is fetched. `fetched` is called with the duration, on that thread.
  /// `objects` must outlive this object.
  ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
             const std::stop_token& stop, std::chrono::seconds link_lifetime,
             std::function<void(std::chrono::duration<double>)> fetched);
  /// Stops an unfinished transfer.
  ~ImageFetch();
  ImageFetch(const ImageFetch&) = delete;
  ImageFetch& operator=(const ImageFetch&) = delete;

  /// Waits for the image. Call it once. Throws Error(not_found) with a message for the
  /// uploader, Error(cancelled) when stopped, and what a store throws.
  [[nodiscard]] FetchedImage wait();

 private:
  std::stop_source stop_source_;
  std::stop_callback<std::function<void()>> forward_stop_;  ///< forwards the caller's stop request
  std::future<FetchedImage> image_;
};

/// Throws Error(conflict): the image is not the one that was accepted.
[[noreturn]] void throw_changed_image(const JobRequest& request);

/// Throws Error(not_found) as wait() does, or the store's error if the whole store is unavailable.
[[noreturn]] void throw_missing_image(const JobRequest& request, ObjectStore& objects);

}  // namespace tessera
