// SPDX-License-Identifier: Apache-2.0
// The window: pages to edit and to follow jobs, menus, settings.
#pragma once

#include <QMainWindow>
#include <filesystem>
#include <vector>

class QMenu;
class QTabWidget;

namespace tessera::desktop {

class EditPage;
class JobsPanel;
class WorkspaceKeeper;
struct Submission;

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(QWidget* parent = nullptr);
  [[nodiscard]] EditPage* edit_page() const { return edit_; }
  void add_images(const std::vector<std::filesystem::path>& paths);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  void make_menus();
  void make_file_menu();
  void fill_recent(QMenu* menu);
  void make_edit_menu();
  void make_pipeline_menu();
  void make_view_menu();
  void make_help_menu();
  void show_message(const QString& text);
  void open_workspace();
  void save_workspace();
  void submit(const std::vector<Submission>& submissions);

  QTabWidget* tabs_;
  EditPage* edit_;
  JobsPanel* jobs_;
  WorkspaceKeeper* keeper_;
};

}  // namespace tessera::desktop
