// SPDX-License-Identifier: Apache-2.0
#include "window/main_window.hpp"

#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QListView>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QScreen>
#include <QSettings>
#include <QStandardPaths>
#include <QStatusBar>
#include <QTabBar>
#include <QTabWidget>

#include "base/error.hpp"
#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "jobs/jobs_panel.hpp"
#include "pipeline/pipeline_panel.hpp"
#include "preview/preview_panel.hpp"
#include "view/icons.hpp"
#include "window/edit_page.hpp"
#include "window/recent_paths.hpp"
#include "window/shortcuts_dialog.hpp"
#include "window/theme.hpp"
#include "window/workspace.hpp"
#include "window/workspace_keeper.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* geometry_key = "window/geometry";
constexpr const char* workspace_folder_key = "workspace/folder";
constexpr int message_ms = 6000;
/// Of the title bar, which is known only once the window is shown.
constexpr int frame_height = 40;

QString workspace_folder() {
  return QSettings()
      .value(workspace_folder_key, QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation))
      .toString();
}

}  // namespace

MainWindow::MainWindow(QWidget* parent) : QMainWindow(parent) {
  setWindowIcon(application_icon());
  setAcceptDrops(true);
  edit_ = new EditPage;
  tabs_ = new QTabWidget;
  tabs_->setDocumentMode(true);
  tabs_->tabBar()->setAccessibleName(tr("Pages"));
  tabs_->setAccessibleName(tr("Pages"));
  tabs_->addTab(edit_, tr("Edit"));
  jobs_ = new JobsPanel;
  tabs_->addTab(jobs_, tr("Jobs"));
  setCentralWidget(tabs_);
  connect(edit_, &EditPage::message, this, &MainWindow::show_message);
  connect(edit_, &EditPage::submitted, this, &MainWindow::submit);
  connect(jobs_, &JobsPanel::status_message, this, &MainWindow::show_message);
  connect(jobs_, &JobsPanel::active_jobs_changed, this, [this](int running) {
    tabs_->setTabText(tabs_->indexOf(jobs_), running > 0 ? tr("Jobs (%1)").arg(running) : tr("Jobs"));
  });
  connect(jobs_, &JobsPanel::place_changed, edit_, &EditPage::set_place);
  edit_->set_place(jobs_->place_name());
  keeper_ =
      new WorkspaceKeeper(*edit_, QStandardPaths::writableLocation(QStandardPaths::AppDataLocation), this);
  connect(keeper_, &WorkspaceKeeper::message, this, &MainWindow::show_message);
  make_menus();
  statusBar()->setSizeGripEnabled(false);
  constexpr QSize comfortable(1280, 800);
  const QSize room = screen()->availableSize() - QSize(0, frame_height);
  resize(comfortable.boundedTo(room));
  restoreGeometry(QSettings().value(geometry_key).toByteArray());
  keeper_->restore();
}

void MainWindow::make_menus() {
  make_file_menu();
  make_edit_menu();
  make_pipeline_menu();
  make_view_menu();
  make_help_menu();
}

void MainWindow::make_file_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  ImagesPanel* images = edit_->images_panel();
  menu->addAction(icon(Icon::add_images), tr("Add &images…"), QKeySequence::Open, images,
                  &ImagesPanel::choose_files);
  menu->addAction(icon(Icon::add_folder), tr("Add a &folder…"), QKeySequence(tr("Ctrl+Shift+O")), images,
                  &ImagesPanel::choose_folder);
  menu->addAction(icon(Icon::paste), tr("&Paste images"), QKeySequence::Paste, images, &ImagesPanel::paste);
  QMenu* recent = menu->addMenu(tr("R&ecent"));
  connect(recent, &QMenu::aboutToShow, this, [this, recent] { fill_recent(recent); });
  connect(edit_->images(), &ImageListModel::asked_for, this,
          [](const std::vector<std::filesystem::path>& paths) { remember_path(recent_entry(paths)); });
  menu->addSeparator();
  menu->addAction(tr("Open a &workspace…"), this, &MainWindow::open_workspace);
  menu->addAction(tr("Save the wor&kspace as…"), QKeySequence(tr("Ctrl+Shift+S")), this,
                  &MainWindow::save_workspace);
  menu->addSeparator();
  menu->addAction(tr("Remove &all images"), edit_->images(), &ImageListModel::clear);
  menu->addSeparator();
  QAction* process = menu->addAction(icon(Icon::play), tr("P&rocess"), QKeySequence(tr("Ctrl+Return")), edit_,
                                     &EditPage::submit);
  process->setAutoRepeat(false);
  menu->addAction(tr("&Server…"), jobs_, &JobsPanel::edit_server);
  menu->addSeparator();
  menu->addAction(tr("&Quit"), QKeySequence::Quit, this, &QWidget::close);
}

void MainWindow::fill_recent(QMenu* menu) {
  menu->clear();
  const QStringList paths = recent_paths();
  for (const QString& path : paths) {
    menu->addAction(icon(QFileInfo(path).isDir() ? Icon::folder : Icon::image), path, this,
                    [this, path] { add_images({QFile::encodeName(path).toStdString()}); });
  }
  if (paths.isEmpty()) {
    menu->addAction(tr("Nothing yet"))->setEnabled(false);
    return;
  }
  menu->addSeparator();
  menu->addAction(tr("Clear this list"), this, &forget_recent_paths);
}

void MainWindow::make_edit_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Edit"));
  QUndoGroup& undo = edit_->pipelines().undo_group();
  QAction* back = undo.createUndoAction(this, tr("&Undo"));
  back->setShortcut(QKeySequence::Undo);
  back->setIcon(icon(Icon::undo));
  QAction* again = undo.createRedoAction(this, tr("&Redo"));
  again->setShortcuts({QKeySequence(tr("Ctrl+Shift+Z")), QKeySequence(tr("Ctrl+Y"))});
  again->setIcon(icon(Icon::redo));
  menu->addAction(back);
  menu->addAction(again);
  menu->addSeparator();
  menu->addAction(tr("&Select all images"), QKeySequence(tr("Ctrl+Shift+A")), edit_->images_panel(),
                  &ImagesPanel::select_all);
  menu->addAction(icon(Icon::remove), tr("&Remove selected images"), edit_->images_panel(),
                  &ImagesPanel::remove_selected);
  QAction* restore = menu->addAction(tr("&Bring removed images back"), QKeySequence(tr("Ctrl+Alt+Z")), edit_,
                                     &EditPage::restore_removed);
  restore->setEnabled(false);
  connect(edit_, &EditPage::removed_count_changed, restore, [this, restore](int count) {
    restore->setEnabled(count > 0);
    if (count > 0) {
      show_message(tr("Removed from the list: %1. Edit > Bring removed images back undoes that.").arg(count));
    }
  });
}

void MainWindow::make_pipeline_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Pipeline"));
  PipelinePanel* pipeline = edit_->pipeline_panel();
  QAction* add = menu->addAction(icon(Icon::add), tr("&Add operation…"), QKeySequence(tr("Ctrl+K")), pipeline,
                                 &PipelinePanel::open_browser);
  add->setAutoRepeat(false);
  menu->addAction(tr("&Duplicate operation"), QKeySequence(tr("Ctrl+D")), pipeline,
                  &PipelinePanel::duplicate_selected);
  menu->addAction(tr("&Remove operation"), pipeline, &PipelinePanel::remove_selected);
  menu->addSeparator();
  menu->addAction(icon(Icon::copy), tr("&Copy as text"), QKeySequence(tr("Ctrl+Shift+C")), pipeline,
                  &PipelinePanel::copy_as_text);
  menu->addAction(icon(Icon::paste), tr("&Paste text"), QKeySequence(tr("Ctrl+Shift+V")), pipeline,
                  &PipelinePanel::paste_text);
}

void MainWindow::make_view_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&View"));
  menu->addAction(tr("&Edit"), QKeySequence(tr("Alt+1")), this, [this] { tabs_->setCurrentWidget(edit_); });
  menu->addAction(tr("&Jobs"), QKeySequence(tr("Alt+2")), this, [this] { tabs_->setCurrentWidget(jobs_); });
  menu->addSeparator();
  PreviewPanel* preview = edit_->preview_panel();
  menu->addActions(preview->mode_actions()->actions());
  menu->addSeparator();
  CompareView* view = preview->view();
  menu->addAction(icon(Icon::zoom_in), tr("Zoom &in"), QKeySequence::ZoomIn, view, &CompareView::zoom_in);
  menu->addAction(icon(Icon::zoom_out), tr("Zoom &out"), QKeySequence::ZoomOut, view, &CompareView::zoom_out);
  menu->addAction(icon(Icon::zoom_fit), tr("&Fit"), QKeySequence(tr("Ctrl+0")), view,
                  &CompareView::zoom_to_fit);
  menu->addAction(tr("&100 %"), QKeySequence(tr("Ctrl+1")), this, [view] { view->set_zoom(1); });
  menu->addSeparator();
  QAction* whole = menu->addAction(tr("Process the &whole picture where a small copy is not faithful"));
  whole->setCheckable(true);
  whole->setChecked(QSettings().value("preview/full-size", true).toBool());
  connect(whole, &QAction::toggled, this, [preview](bool on) {
    QSettings().setValue("preview/full-size", on);
    preview->set_full_size_allowed(on);
  });
  preview->set_full_size_allowed(whole->isChecked());
  menu->addSeparator();
  QMenu* themes = menu->addMenu(tr("&Theme"));
  auto* group = new QActionGroup(this);
  const auto add = [&](const QString& text, Theme theme) {
    QAction* action = themes->addAction(text);
    action->setCheckable(true);
    action->setChecked(saved_theme() == theme);
    group->addAction(action);
    connect(action, &QAction::triggered, this, [theme] {
      save_theme(theme);
      apply_theme(theme);
    });
  };
  add(tr("As the &system"), Theme::system);
  add(tr("&Light"), Theme::light);
  add(tr("&Dark"), Theme::dark);
}

void MainWindow::make_help_menu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  menu->addAction(tr("&Keyboard shortcuts"), QKeySequence::HelpContents, this,
                  [this] { ShortcutsDialog(*menuBar(), this).exec(); });
  menu->addAction(tr("&About Tessera"), this, [this] {
    QMessageBox box(this);
    box.setWindowTitle(tr("About Tessera"));
    box.setIconPixmap(application_icon().pixmap(64, 64));
    box.setText(tr("<b>Tessera %1</b>").arg(QCoreApplication::applicationVersion()));
    box.setInformativeText(tr("Cuts images into pieces, works on them side by side, and puts them together "
                              "again so that nobody can tell "
                              "that they were ever cut.<br><br>Licence: Apache-2.0. Made with Qt %1.")
                               .arg(QString::fromLatin1(qVersion())));
    box.exec();
  });
  menu->addAction(tr("About &Qt"), qApp, &QApplication::aboutQt);
}

void MainWindow::add_images(const std::vector<std::filesystem::path>& paths) {
  if (!paths.empty()) {
    edit_->images()->add(paths);
  }
}

void MainWindow::submit(const std::vector<Submission>& submissions) {
  // First, so that the list can take the keyboard.
  tabs_->setCurrentWidget(jobs_);
  jobs_->submit(submissions);
}

void MainWindow::show_message(const QString& text) { statusBar()->showMessage(text, message_ms); }

void MainWindow::open_workspace() {
  const QString file = QFileDialog::getOpenFileName(this, tr("Open a workspace"), workspace_folder(),
                                                    tr("Workspaces (*.tessera);;All files (*)"));
  if (file.isEmpty()) {
    return;
  }
  try {
    edit_->open(read_workspace(file));
    tabs_->setCurrentWidget(edit_);
  } catch (const Error& error) {
    QMessageBox::warning(this, tr("Open a workspace"), error.what());
  }
}

void MainWindow::save_workspace() {
  QString file = QFileDialog::getSaveFileName(this, tr("Save the workspace"),
                                              workspace_folder() + tr("/Untitled.tessera"),
                                              tr("Workspaces (*.tessera)"));
  if (file.isEmpty()) {
    return;
  }
  if (QFileInfo(file).suffix().isEmpty()) {
    file += ".tessera";
  }
  try {
    write_workspace(file, edit_->workspace());
    QSettings().setValue(workspace_folder_key, QFileInfo(file).absolutePath());
  } catch (const Error& error) {
    QMessageBox::warning(this, tr("Save the workspace"), error.what());
  }
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!jobs_->may_close()) {
    event->ignore();
    return;
  }
  QSettings().setValue(geometry_key, saveGeometry());
  edit_->save_state();
  keeper_->save();
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (!local_paths(event->mimeData()).empty()) {
    event->acceptProposedAction();
  }
}

void MainWindow::dropEvent(QDropEvent* event) {
  add_images(local_paths(event->mimeData()));
  event->acceptProposedAction();
}

}  // namespace tessera::desktop
