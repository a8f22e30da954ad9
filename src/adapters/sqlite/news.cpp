#include "adapters/sqlite/news.hpp"

#include <map>

namespace tessera {

std::shared_ptr<News> news_of(const std::filesystem::path& file) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::weak_ptr<News>> all;
  const std::filesystem::path name = std::filesystem::canonical(file);
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<News> news = all[name].lock();
  if (!news) {
    news = std::make_shared<News>();
    all[name] = news;
  }
  return news;
}

}  // namespace tessera
