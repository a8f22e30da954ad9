// SPDX-License-Identifier: Apache-2.0
#include "window/recent_paths.hpp"

#include <QFile>
#include <QFileInfo>
#include <QSettings>

namespace tessera::desktop {
namespace {

constexpr const char* recent_key = "images/recent";

}  // namespace

QString recent_entry(const std::vector<std::filesystem::path>& paths) {
  if (paths.empty()) {
    return {};
  }
  const QFileInfo first(QFile::decodeName(paths.front().c_str()));
  return paths.size() == 1 ? first.absoluteFilePath() : first.absolutePath();
}

QStringList recent_paths() {
  QStringList paths = QSettings().value(recent_key).toStringList();
  paths.removeIf([](const QString& path) { return !QFileInfo::exists(path); });
  return paths;
}

void remember_path(const QString& path) {
  if (path.isEmpty()) {
    return;
  }
  QStringList paths = QSettings().value(recent_key).toStringList();
  paths.removeAll(path);
  paths.prepend(path);
  QSettings().setValue(recent_key, QStringList(paths.mid(0, max_recent_paths)));
}

void forget_recent_paths() { QSettings().remove(recent_key); }

}  // namespace tessera::desktop
