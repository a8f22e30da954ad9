// SPDX-License-Identifier: Apache-2.0
#include "images/thumbnail_loader.hpp"

#include <QMetaObject>
#include <algorithm>

namespace tessera::desktop {

ThumbnailLoader::ThumbnailLoader(QObject* parent)
    : QObject(parent), thread_([this](const std::stop_token& stop) { loop(stop); }) {}

ThumbnailLoader::~ThumbnailLoader() = default;

void ThumbnailLoader::add(std::uint64_t id, const std::filesystem::path& file) {
  const std::scoped_lock lock(mutex_);
  waiting_.push_back({id, file});
  changed_.notify_one();
}

void ThumbnailLoader::prefer(const std::vector<std::uint64_t>& ids) {
  const std::scoped_lock lock(mutex_);
  std::stable_partition(waiting_.begin(), waiting_.end(),
                        [&ids](const Item& item) { return std::ranges::find(ids, item.id) != ids.end(); });
}

void ThumbnailLoader::forget(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(waiting_, [id](const Item& item) { return item.id == id; });
}

void ThumbnailLoader::loop(const std::stop_token& stop) {
  while (true) {
    Item item;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); }) || stop.stop_requested()) {
        return;
      }
      item = std::move(waiting_.front());
      waiting_.pop_front();
    }
    QMetaObject::invokeMethod(
        this, [this, id = item.id, facts = read_facts(item.file)] { Q_EMIT facts_ready(id, facts); },
        Qt::QueuedConnection);
  }
}

}  // namespace tessera::desktop
