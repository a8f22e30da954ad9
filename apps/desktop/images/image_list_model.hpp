// SPDX-License-Identifier: Apache-2.0
// The images that were picked, in the user's order.
#pragma once

#include <QAbstractListModel>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "images/image_item.hpp"
#include "images/thumbnail_loader.hpp"

namespace tessera::desktop {

class ImageListModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role : int {
    ThumbnailRole = Qt::UserRole,  ///< QImage; null while it is read
    DetailsRole,                   ///< "4000 × 3000 · JPEG · 2.1 MB", or why it cannot be read
    ErrorRole,                     ///< the sentence; empty if there is none
    OwnPipelineRole,               ///< whether it has a pipeline of its own
    IdRole
  };

  explicit ImageListModel(QObject* parent = nullptr);
  ~ImageListModel() override;

  /// Files and folders; folders are searched in the background. What is in the list already is not added
  /// again.
  void add(const std::vector<std::filesystem::path>& paths);
  /// Files, not folders, before `row`. Returns their ids in order; 0 for those that are in the list already.
  std::vector<std::uint64_t> insert(int row, const std::vector<std::filesystem::path>& files);
  void remove(const QModelIndexList& rows);
  void clear();

  [[nodiscard]] std::filesystem::path file(int row) const;
  [[nodiscard]] std::uint64_t id(int row) const;
  [[nodiscard]] int row_of(std::uint64_t id) const;      ///< -1 if it is gone
  [[nodiscard]] const ImageFacts* facts(int row) const;  ///< null while it is read
  void set_has_own_pipeline(std::uint64_t id, bool has);
  /// Their thumbnails are read first.
  void set_visible_rows(int first, int last);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
  [[nodiscard]] Qt::DropActions supportedDropActions() const override;
  [[nodiscard]] QStringList mimeTypes() const override;
  [[nodiscard]] QMimeData* mimeData(const QModelIndexList& indexes) const override;
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;
  /// To before `destination`.
  bool moveRows(const QModelIndex& source_parent, int source, int count,
                const QModelIndex& destination_parent, int destination) override;

 Q_SIGNALS:
  void scanning_changed(bool scanning);
  /// Rows were added; how many files of a scan were there already.
  void added(int count, int known);
  void removed(std::uint64_t id);
  /// What add() was given.
  void asked_for(const std::vector<std::filesystem::path>& paths);

 private:
  struct Item {
    std::uint64_t id = 0;
    std::filesystem::path file;
    ImageFacts facts;
    bool read = false;
    bool own_pipeline = false;
  };

  void append(const std::vector<std::filesystem::path>& files);
  void remove_run(int first, int last);
  void take_facts(std::uint64_t id, const ImageFacts& facts);
  void move_before(const std::vector<int>& rows, int destination);

  std::vector<Item> items_;
  std::set<std::filesystem::path> files_;
  std::uint64_t next_id_ = 1;
  int scans_ = 0;
  ThumbnailLoader loader_;
  std::vector<std::jthread> scanners_;
};

}  // namespace tessera::desktop
