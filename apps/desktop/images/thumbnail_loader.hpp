// SPDX-License-Identifier: Apache-2.0
// Reads headers and thumbnails in the background, what is on the screen first.
#pragma once

#include <QObject>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "images/image_item.hpp"

namespace tessera::desktop {

class ThumbnailLoader : public QObject {
  Q_OBJECT

 public:
  explicit ThumbnailLoader(QObject* parent = nullptr);
  ~ThumbnailLoader() override;

  void add(std::uint64_t id, const std::filesystem::path& file);
  /// These come next, in this order.
  void prefer(const std::vector<std::uint64_t>& ids);
  void forget(std::uint64_t id);

 Q_SIGNALS:
  /// On the thread of this object.
  void facts_ready(std::uint64_t id, const tessera::desktop::ImageFacts& facts);

 private:
  struct Item {
    std::uint64_t id = 0;
    std::filesystem::path file;
  };
  void loop(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Item> waiting_;
  std::jthread thread_;
};

}  // namespace tessera::desktop
