#include "images/folder_scan.hpp"

#include <QCollator>
#include <QDirIterator>
#include <QFile>
#include <QFileInfo>
#include <algorithm>
#include <span>

#include "codec/sniff.hpp"

namespace tessera::desktop {
namespace {

bool is_image(const QString& file) {
  QFile head(file);
  if (!head.open(QIODevice::ReadOnly)) {
    return false;
  }
  const QByteArray bytes = head.read(static_cast<qint64>(sniff_bytes));
  return sniff(std::as_bytes(std::span(bytes.constData(), static_cast<std::size_t>(bytes.size()))))
      .format.has_value();
}

std::vector<QString> images_in(const QString& folder, const std::stop_token& stop) {
  std::vector<QString> files;
  QDirIterator each(folder, QDir::Files | QDir::Readable | QDir::NoDotAndDotDot,
                    QDirIterator::Subdirectories);
  while (each.hasNext() && !stop.stop_requested()) {
    const QString file = each.next();
    if (is_image(file)) {
      files.push_back(file);
    }
  }
  QCollator collator;
  collator.setNumericMode(true);
  collator.setCaseSensitivity(Qt::CaseInsensitive);
  std::ranges::sort(files, [&](const QString& a, const QString& b) { return collator.compare(a, b) < 0; });
  return files;
}

std::filesystem::path to_path(const QString& file) { return QFile::encodeName(file).toStdString(); }

}  // namespace

std::vector<std::filesystem::path> find_images(const std::vector<std::filesystem::path>& paths,
                                               const std::stop_token& stop) {
  std::vector<std::filesystem::path> found;
  for (const std::filesystem::path& path : paths) {
    const QString text = QFile::decodeName(path.c_str());
    if (!QFileInfo(text).isDir()) {
      found.push_back(path);
      continue;
    }
    for (const QString& file : images_in(text, stop)) {
      found.push_back(to_path(file));
    }
  }
  return found;
}

}  // namespace tessera::desktop
