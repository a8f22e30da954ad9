// SPDX-License-Identifier: Apache-2.0
// Decoded pictures, kept for as long as memory allows.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>

#include "image/stream.hpp"

namespace tessera::desktop {

struct HeldImage {
  ImageInfo info;
  Bytes icc;
  /// The picture itself; or, where that would be too much to hold, a small copy.
  Tile pixels;
  [[nodiscard]] bool whole() const { return pixels.rect == Rect::whole(info.extent); }
  /// Of the pixels to the picture.
  [[nodiscard]] double scale() const {
    return static_cast<double>(pixels.rect.width) / static_cast<double>(info.extent.width);
  }
};

class ImageStore {
 public:
  static constexpr std::int64_t default_max_bytes = std::int64_t{768} << 20;
  explicit ImageStore(std::int64_t max_bytes = default_max_bytes) : max_bytes_(max_bytes) {}

  /// Reads the file unless it is held and has not changed. Thread-safe. Throws what open_image throws, and
  /// Error(cancelled).
  [[nodiscard]] std::shared_ptr<const HeldImage> load(const std::filesystem::path& file,
                                                      const std::stop_token& stop = {});

 private:
  struct Entry {
    std::filesystem::path file;
    std::filesystem::file_time_type changed;
    std::shared_ptr<const HeldImage> image;
  };

  std::shared_ptr<const HeldImage> find(const std::filesystem::path& file,
                                        std::filesystem::file_time_type changed);
  void keep(Entry entry);

  std::int64_t max_bytes_;
  std::mutex mutex_;
  std::list<Entry> entries_;  ///< the last used first
};

}  // namespace tessera::desktop
