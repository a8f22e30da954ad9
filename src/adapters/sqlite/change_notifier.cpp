// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/change_notifier.hpp"

#include <map>

namespace tessera {

std::shared_ptr<ChangeNotifier> change_notifier_of(const std::filesystem::path& file) {
  static std::mutex mutex;
  static std::map<std::filesystem::path, std::weak_ptr<ChangeNotifier>> all;
  const std::filesystem::path name = std::filesystem::canonical(file);
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<ChangeNotifier> notifier = all[name].lock();
  if (!notifier) {
    notifier = std::make_shared<ChangeNotifier>();
    all[name] = notifier;
  }
  return notifier;
}

}  // namespace tessera
