// SPDX-License-Identifier: Apache-2.0
#include "images/image_list_model.hpp"

#include <QDataStream>
#include <QFile>
#include <QFileInfo>
#include <QIODevice>
#include <QLocale>
#include <QMetaObject>
#include <QMimeData>
#include <QUrl>
#include <algorithm>

#include "images/folder_scan.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* rows_type = "application/x-tessera-image-rows";

QString path_text(const std::filesystem::path& file) { return QFile::decodeName(file.c_str()); }

QString details_of(const ImageFacts& facts) {
  const QLocale locale;
  return QStringLiteral("%1 × %2  ·  %3  ·  %4")
      .arg(facts.info.extent.width)
      .arg(facts.info.extent.height)
      .arg(facts.format, locale.formattedDataSize(facts.file_bytes, 1, QLocale::DataSizeSIFormat));
}

}  // namespace

ImageListModel::ImageListModel(QObject* parent) : QAbstractListModel(parent) {
  connect(&loader_, &ThumbnailLoader::facts_ready, this, &ImageListModel::take_facts);
}

ImageListModel::~ImageListModel() = default;

void ImageListModel::add(const std::vector<std::filesystem::path>& paths) {
  Q_EMIT asked_for(paths);
  if (std::ranges::none_of(paths, [](const auto& path) { return QFileInfo(path_text(path)).isDir(); })) {
    append(paths);
    return;
  }
  if (++scans_ == 1) {
    Q_EMIT scanning_changed(true);
  }
  scanners_.emplace_back([this, paths](const std::stop_token& stop) {
    QMetaObject::invokeMethod(
        this,
        [this, found = find_images(paths, stop)] {
          append(found);
          if (--scans_ == 0) {
            Q_EMIT scanning_changed(false);
            scanners_.clear();
          }
        },
        Qt::QueuedConnection);
  });
}

std::vector<std::uint64_t> ImageListModel::insert(int row, const std::vector<std::filesystem::path>& files) {
  std::vector<Item> fresh;
  std::vector<std::uint64_t> ids;
  for (const std::filesystem::path& file : files) {
    std::error_code ignored;
    const std::filesystem::path absolute = std::filesystem::absolute(file, ignored).lexically_normal();
    ids.push_back(0);
    if (files_.insert(absolute).second) {
      ids.back() = next_id_;
      fresh.push_back({next_id_++, absolute, {}, false, false});
    }
  }
  if (!fresh.empty()) {
    beginInsertRows({}, row, row + static_cast<int>(fresh.size()) - 1);
    for (const Item& item : fresh) {
      loader_.add(item.id, item.file);
    }
    items_.insert(items_.begin() + row, std::make_move_iterator(fresh.begin()),
                  std::make_move_iterator(fresh.end()));
    endInsertRows();
  }
  return ids;
}

void ImageListModel::append(const std::vector<std::filesystem::path>& files) {
  const std::vector<std::uint64_t> ids = insert(rowCount(), files);
  const auto known = static_cast<int>(std::ranges::count(ids, std::uint64_t{0}));
  Q_EMIT added(static_cast<int>(ids.size()) - known, known);
}

void ImageListModel::take_facts(std::uint64_t id, const ImageFacts& facts) {
  const int row = row_of(id);
  if (row >= 0) {
    items_[static_cast<std::size_t>(row)].facts = facts;
    items_[static_cast<std::size_t>(row)].read = true;
    Q_EMIT dataChanged(index(row), index(row));
  }
}

void ImageListModel::remove(const QModelIndexList& rows) {
  std::vector<int> numbers;
  for (const QModelIndex& row : rows) {
    numbers.push_back(row.row());
  }
  std::ranges::sort(numbers, std::greater<>());
  // Neighbours go together: whoever listens counts all rows each time.
  for (std::size_t i = 0; i < numbers.size();) {
    const int last = numbers[i];
    int first = last;
    while (++i < numbers.size() && numbers[i] == first - 1) {
      first = numbers[i];
    }
    remove_run(first, last);
  }
}

void ImageListModel::remove_run(int first, int last) {
  std::vector<std::uint64_t> ids;
  for (int row = first; row <= last; ++row) {
    const Item& item = items_[static_cast<std::size_t>(row)];
    ids.push_back(item.id);
    loader_.forget(item.id);
    files_.erase(item.file);
  }
  beginRemoveRows({}, first, last);
  items_.erase(items_.begin() + first, items_.begin() + last + 1);
  endRemoveRows();
  for (const std::uint64_t id : ids) {
    Q_EMIT removed(id);
  }
}

void ImageListModel::clear() {
  QModelIndexList all;
  for (int row = 0; row < rowCount(); ++row) {
    all << index(row);
  }
  remove(all);
}

std::filesystem::path ImageListModel::file(int row) const {
  return items_.at(static_cast<std::size_t>(row)).file;
}
std::uint64_t ImageListModel::id(int row) const { return items_.at(static_cast<std::size_t>(row)).id; }

int ImageListModel::row_of(std::uint64_t id) const {
  const auto found = std::ranges::find(items_, id, &Item::id);
  return found == items_.end() ? -1 : static_cast<int>(found - items_.begin());
}

const ImageFacts* ImageListModel::facts(int row) const {
  const Item& item = items_.at(static_cast<std::size_t>(row));
  return item.read ? &item.facts : nullptr;
}

void ImageListModel::set_has_own_pipeline(std::uint64_t id, bool has) {
  const int row = row_of(id);
  if (row >= 0) {
    items_[static_cast<std::size_t>(row)].own_pipeline = has;
    Q_EMIT dataChanged(index(row), index(row), {OwnPipelineRole});
  }
}

void ImageListModel::set_visible_rows(int first, int last) {
  std::vector<std::uint64_t> ids;
  for (int row = std::max(0, first); row <= std::min(last, rowCount() - 1); ++row) {
    if (!items_[static_cast<std::size_t>(row)].read) {
      ids.push_back(id(row));
    }
  }
  if (!ids.empty()) {
    loader_.prefer(ids);
  }
}

int ImageListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(items_.size());
}

QVariant ImageListModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
    return {};
  }
  const Item& item = items_[static_cast<std::size_t>(index.row())];
  switch (role) {
    case Qt::DisplayRole:
      return QFileInfo(path_text(item.file)).fileName();
    case Qt::ToolTipRole:
      return item.facts.error.isEmpty() ? path_text(item.file)
                                        : path_text(item.file) + "\n" + item.facts.error;
    case Qt::AccessibleTextRole:
      return data(index, Qt::DisplayRole).toString() + ", " + data(index, DetailsRole).toString();
    case ThumbnailRole:
      return item.facts.thumbnail;
    case ErrorRole:
      return item.facts.error;
    case OwnPipelineRole:
      return item.own_pipeline;
    case IdRole:
      return QVariant::fromValue(static_cast<quint64>(item.id));
    case DetailsRole:
      if (!item.read) {
        return tr("Reading…");
      }
      return item.facts.error.isEmpty() ? details_of(item.facts) : tr("Cannot be read");
    default:
      return {};
  }
}

Qt::ItemFlags ImageListModel::flags(const QModelIndex& index) const {
  return index.isValid() ? Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsDragEnabled
                         : Qt::ItemIsDropEnabled;
}

Qt::DropActions ImageListModel::supportedDropActions() const { return Qt::CopyAction | Qt::MoveAction; }

QStringList ImageListModel::mimeTypes() const { return {rows_type, "text/uri-list"}; }

QMimeData* ImageListModel::mimeData(const QModelIndexList& indexes) const {
  auto* data = new QMimeData;
  QByteArray rows;
  QDataStream stream(&rows, QIODevice::WriteOnly);
  QList<QUrl> urls;
  for (const QModelIndex& index : indexes) {
    stream << index.row();
    urls << QUrl::fromLocalFile(path_text(file(index.row())));
  }
  data->setData(rows_type, rows);
  data->setUrls(urls);
  return data;
}

bool ImageListModel::dropMimeData(const QMimeData* data, Qt::DropAction /*action*/, int row, int /*column*/,
                                  const QModelIndex& parent) {
  if (data->hasFormat(rows_type)) {
    std::vector<int> rows;
    QDataStream stream(data->data(rows_type));
    while (!stream.atEnd()) {
      int from = 0;
      stream >> from;
      rows.push_back(from);
    }
    move_before(rows, row >= 0 ? row : parent.isValid() ? parent.row() : rowCount());
    return false;  // moved already: the view must not remove anything
  }
  std::vector<std::filesystem::path> paths;
  const QList<QUrl> urls = data->urls();
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) {
      paths.emplace_back(QFile::encodeName(url.toLocalFile()).toStdString());
    }
  }
  add(paths);
  return false;
}

void ImageListModel::move_before(const std::vector<int>& rows, int destination) {
  std::vector<int> sorted = rows;
  std::ranges::sort(sorted);
  int below = 0;
  for (const int row : sorted) {
    // Those that went down from above make room for those that follow.
    const int from = row < destination ? row - below : row;
    if (moveRows({}, from, 1, {}, destination) && row < destination) {
      ++below;
    } else if (row >= destination) {
      ++destination;
    }
  }
}

bool ImageListModel::moveRows(const QModelIndex& source_parent, int source, int count,
                              const QModelIndex& destination_parent, int destination) {
  if (!beginMoveRows(source_parent, source, source + count - 1, destination_parent, destination)) {
    return false;
  }
  const auto begin = items_.begin();
  if (destination < source) {
    std::rotate(begin + destination, begin + source, begin + source + count);
  } else {
    std::rotate(begin + source, begin + source + count, begin + destination);
  }
  endMoveRows();
  return true;
}

}  // namespace tessera::desktop
