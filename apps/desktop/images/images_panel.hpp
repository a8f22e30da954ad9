// SPDX-License-Identifier: Apache-2.0
// The list of images and the ways into it: dialogs, drops, paste.
#pragma once

#include <QWidget>
#include <filesystem>
#include <vector>

class QLabel;
class QListView;
class QMimeData;
class QStackedWidget;

namespace tessera::desktop {

class ImageListModel;

class ImagesPanel : public QWidget {
  Q_OBJECT

 public:
  explicit ImagesPanel(ImageListModel* model, QWidget* parent = nullptr);
  [[nodiscard]] QListView* list() const { return list_; }
  [[nodiscard]] int current_row() const;
  [[nodiscard]] std::vector<int> selected_rows() const;  ///< in the list's order

  void choose_files();
  void choose_folder();
  void remove_selected();
  void select_all();
  void move_selected(int by);
  /// Files, folders, or a picture itself, from the clipboard.
  void paste();

 Q_SIGNALS:
  void current_changed(int row);
  void selection_changed();
  void message(const QString& text);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  QWidget* make_empty_page();
  void update_state();
  void update_visible();
  void show_context_menu(const QPoint& at);

  ImageListModel* model_;
  QListView* list_;
  QStackedWidget* pages_;
  QLabel* count_;
};

/// The files and folders among the URLs.
[[nodiscard]] std::vector<std::filesystem::path> local_paths(const QMimeData* data);

}  // namespace tessera::desktop
