// SPDX-License-Identifier: Apache-2.0
#include "images/folder_scan.hpp"

#include <QDirIterator>
#include <QFile>
#include <QFileInfo>
#include <QStringView>
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

qsizetype digits_from(const QString& text, qsizetype at) {
  qsizetype end = at;
  while (end < text.size() && text[end].isDigit()) {
    ++end;
  }
  return end - at;
}

/// Runs of digits count as numbers. QCollator does the same, but only where ICU knows the locale, which "C"
/// is not.
bool natural_less(const QString& a, const QString& b) {
  qsizetype i = 0;
  qsizetype j = 0;
  while (i < a.size() && j < b.size()) {
    const qsizetype digits_a = digits_from(a, i);
    const qsizetype digits_b = digits_from(b, j);
    const bool numbers = digits_a > 0 && digits_b > 0;
    const QStringView part_a = QStringView(a).mid(i, numbers ? digits_a : 1);
    const QStringView part_b = QStringView(b).mid(j, numbers ? digits_b : 1);
    int order = part_a.compare(part_b, Qt::CaseInsensitive);
    if (numbers) {
      const qulonglong value_a = part_a.toULongLong();
      const qulonglong value_b = part_b.toULongLong();
      order = value_a < value_b ? -1 : value_a > value_b ? 1 : 0;
    }
    if (order != 0) {
      return order < 0;
    }
    i += part_a.size();
    j += part_b.size();
  }
  return a.size() - i < b.size() - j || (a.size() - i == b.size() - j && a < b);
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
  std::ranges::sort(files, natural_less);
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
