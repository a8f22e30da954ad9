// SPDX-License-Identifier: Apache-2.0
#include "images/images_panel.hpp"

#include <QApplication>
#include <QClipboard>
#include <QDateTime>
#include <QDesktopServices>
#include <QDir>
#include <QDragEnterEvent>
#include <QFile>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QListView>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QScrollBar>
#include <QSettings>
#include <QStackedWidget>
#include <QStandardPaths>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>
#include <algorithm>

#include "images/image_delegate.hpp"
#include "images/image_list_model.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* folder_key = "images/folder";

QString image_filter() {
  return ImagesPanel::tr("Images (%1);;All files (*)")
      .arg(QStringLiteral(
          "*.jpg *.jpeg *.png *.tif *.tiff *.webp *.gif *.bmp *.pnm *.pgm *.ppm *.pbm *.heic *.heif "
          "*.avif *.JPG *.JPEG *.PNG *.TIF *.TIFF *.HEIC"));
}

}  // namespace

std::vector<std::filesystem::path> local_paths(const QMimeData* data) {
  std::vector<std::filesystem::path> paths;
  const QList<QUrl> urls = data->urls();
  for (const QUrl& url : urls) {
    if (url.isLocalFile()) {
      paths.emplace_back(QFile::encodeName(url.toLocalFile()).toStdString());
    }
  }
  return paths;
}

ImagesPanel::ImagesPanel(ImageListModel* model, QWidget* parent) : QWidget(parent), model_(model) {
  setAcceptDrops(true);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(8, 8, 8, 8);
  column->setSpacing(6);
  list_ = new QListView;
  list_->setModel(model_);
  list_->setItemDelegate(new ImageDelegate(list_));
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setUniformItemSizes(true);
  list_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  list_->setDragDropMode(QAbstractItemView::DragDrop);
  list_->setDefaultDropAction(Qt::MoveAction);
  list_->setDragDropOverwriteMode(false);
  list_->setDropIndicatorShown(true);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  list_->setAccessibleName(tr("Images"));
  list_->installEventFilter(this);
  connect(list_, &QWidget::customContextMenuRequested, this, &ImagesPanel::show_context_menu);
  pages_ = new QStackedWidget;
  pages_->addWidget(make_empty_page());
  pages_->addWidget(list_);
  column->addWidget(pages_, 1);
  auto* row = new QHBoxLayout;
  row->setSpacing(4);
  count_ = new QLabel;
  count_->setForegroundRole(QPalette::PlaceholderText);
  row->addWidget(count_, 1);
  const auto button = [&](Icon shape, const QString& tip, void (ImagesPanel::*slot)()) {
    auto* tool = new QToolButton;
    tool->setIcon(icon(shape));
    tool->setToolTip(tip);
    tool->setAccessibleName(tip);
    tool->setAutoRaise(true);
    connect(tool, &QToolButton::clicked, this, slot);
    row->addWidget(tool);
  };
  button(Icon::add_images, tr("Add images"), &ImagesPanel::choose_files);
  button(Icon::add_folder, tr("Add a folder"), &ImagesPanel::choose_folder);
  button(Icon::remove, tr("Remove the selected images from the list"), &ImagesPanel::remove_selected);
  column->addLayout(row);

  connect(list_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          [this](const QModelIndex& now) { Q_EMIT current_changed(now.isValid() ? now.row() : -1); });
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    update_state();
    Q_EMIT selection_changed();
  });
  connect(model_, &QAbstractItemModel::rowsInserted, this, [this](const QModelIndex&, int first) {
    if (!list_->currentIndex().isValid()) {
      list_->setCurrentIndex(model_->index(first));
    }
    update_state();
  });
  connect(model_, &QAbstractItemModel::rowsRemoved, this, &ImagesPanel::update_state);
  connect(model_, &ImageListModel::added, this, [this](int count, int known) {
    if (known > 0) {
      Q_EMIT message(count == 0 ? tr("They are in the list already.")
                                : tr("Added: %1. The others were in the list already.").arg(count));
    } else if (count == 0) {
      Q_EMIT message(tr("There is no image in that folder."));
    }
  });
  connect(model_, &ImageListModel::scanning_changed, this, [this](bool scanning) {
    if (scanning) {
      Q_EMIT message(tr("Looking for images…"));
    }
  });
  connect(list_->verticalScrollBar(), &QScrollBar::valueChanged, this, &ImagesPanel::update_visible);
  update_state();
}

QWidget* ImagesPanel::make_empty_page() {
  auto* page = new QFrame;
  page->setFrameShape(QFrame::StyledPanel);
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(16, 16, 16, 16);
  column->addStretch(1);
  auto* picture = new QLabel;
  picture->setPixmap(icon(Icon::add_images).pixmap(QSize(48, 48), QIcon::Disabled));
  picture->setAlignment(Qt::AlignCenter);
  column->addWidget(picture);
  auto* text =
      new QLabel(tr("<p><b>Drop images here</b></p><p>Files or whole folders. Pasting works too.</p>"));
  text->setAlignment(Qt::AlignCenter);
  text->setWordWrap(true);
  text->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(text);
  auto* files = new QPushButton(tr("Add images…"));
  connect(files, &QPushButton::clicked, this, &ImagesPanel::choose_files);
  column->addWidget(files, 0, Qt::AlignCenter);
  auto* folder = new QPushButton(tr("Add a folder…"));
  connect(folder, &QPushButton::clicked, this, &ImagesPanel::choose_folder);
  column->addWidget(folder, 0, Qt::AlignCenter);
  column->addStretch(1);
  return page;
}

int ImagesPanel::current_row() const {
  const QModelIndex index = list_->currentIndex();
  return index.isValid() ? index.row() : -1;
}

std::vector<int> ImagesPanel::selected_rows() const {
  std::vector<int> rows;
  const QModelIndexList selected = list_->selectionModel()->selectedRows();
  for (const QModelIndex& index : selected) {
    rows.push_back(index.row());
  }
  std::ranges::sort(rows);
  return rows;
}

void ImagesPanel::update_state() {
  const int all = model_->rowCount();
  pages_->setCurrentIndex(all == 0 ? 0 : 1);
  const auto selected = static_cast<int>(list_->selectionModel()->selectedRows().size());
  count_->setText(all == 0       ? QString()
                  : selected > 1 ? tr("%1 of %2 selected").arg(selected).arg(all)
                  : all == 1     ? tr("1 image")
                                 : tr("%1 images").arg(all));
  update_visible();
}

void ImagesPanel::update_visible() {
  const QModelIndex first = list_->indexAt(QPoint(4, 4));
  const QModelIndex last = list_->indexAt(QPoint(4, list_->viewport()->height() - 4));
  if (first.isValid()) {
    model_->set_visible_rows(first.row(), last.isValid() ? last.row() : model_->rowCount() - 1);
  }
}

void ImagesPanel::choose_files() {
  QSettings settings;
  const QString folder =
      settings.value(folder_key, QStandardPaths::writableLocation(QStandardPaths::PicturesLocation))
          .toString();
  const QStringList files = QFileDialog::getOpenFileNames(this, tr("Add images"), folder, image_filter());
  if (files.isEmpty()) {
    return;
  }
  settings.setValue(folder_key, QFileInfo(files.first()).absolutePath());
  std::vector<std::filesystem::path> paths;
  for (const QString& file : files) {
    paths.emplace_back(QFile::encodeName(file).toStdString());
  }
  model_->add(paths);
}

void ImagesPanel::choose_folder() {
  QSettings settings;
  const QString folder = QFileDialog::getExistingDirectory(
      this, tr("Add a folder"),
      settings.value(folder_key, QStandardPaths::writableLocation(QStandardPaths::PicturesLocation))
          .toString());
  if (!folder.isEmpty()) {
    settings.setValue(folder_key, folder);
    model_->add({std::filesystem::path(QFile::encodeName(folder).toStdString())});
  }
}

void ImagesPanel::remove_selected() {
  const std::vector<int> rows = selected_rows();
  if (rows.empty()) {
    return;
  }
  model_->remove(list_->selectionModel()->selectedRows());
  const int next = std::min(rows.front(), model_->rowCount() - 1);
  if (next >= 0) {
    list_->setCurrentIndex(model_->index(next));
  }
}

void ImagesPanel::select_all() { list_->selectAll(); }

void ImagesPanel::move_selected(int by) {
  const int row = current_row();
  const int to = row + by;
  if (row >= 0 && to >= 0 && to < model_->rowCount()) {
    model_->moveRows({}, row, 1, {}, by > 0 ? to + 1 : to);
    list_->scrollTo(list_->currentIndex());
  }
}

void ImagesPanel::paste() {
  const QMimeData* clipboard = QApplication::clipboard()->mimeData();
  if (const auto paths = local_paths(clipboard); !paths.empty()) {
    model_->add(paths);
    return;
  }
  const QImage image = QApplication::clipboard()->image();
  if (image.isNull()) {
    Q_EMIT message(tr("The clipboard holds neither images nor files."));
    return;
  }
  const QDir folder(QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/pasted");
  const QString file = folder.filePath(
      tr("Pasted %1.png").arg(QDateTime::currentDateTime().toString("yyyy-MM-dd hh-mm-ss-zzz")));
  if (!folder.mkpath(QStringLiteral(".")) || !image.save(file)) {
    Q_EMIT message(tr("The picture could not be written to '%1'. Is the disk full?").arg(file));
    return;
  }
  model_->add({std::filesystem::path(QFile::encodeName(file).toStdString())});
}

bool ImagesPanel::eventFilter(QObject* watched, QEvent* event) {
  if (watched == list_ && event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->key() == Qt::Key_Delete) {
      remove_selected();
      return true;
    }
    if (key->matches(QKeySequence::Paste)) {
      paste();
      return true;
    }
    if (key->modifiers().testFlag(Qt::ControlModifier) &&
        (key->key() == Qt::Key_Up || key->key() == Qt::Key_Down)) {
      move_selected(key->key() == Qt::Key_Up ? -1 : 1);
      return true;
    }
  }
  if (watched == list_ && event->type() == QEvent::Resize) {
    update_visible();
  }
  return QWidget::eventFilter(watched, event);
}

void ImagesPanel::dragEnterEvent(QDragEnterEvent* event) {
  if (!local_paths(event->mimeData()).empty()) {
    event->acceptProposedAction();
  }
}

void ImagesPanel::dropEvent(QDropEvent* event) {
  model_->add(local_paths(event->mimeData()));
  event->acceptProposedAction();
}

void ImagesPanel::show_context_menu(const QPoint& at) {
  QMenu menu(this);
  const int row = current_row();
  if (row >= 0) {
    menu.addAction(icon(Icon::up), tr("Move up"), this, [this] { move_selected(-1); })->setEnabled(row > 0);
    menu.addAction(icon(Icon::down), tr("Move down"), this, [this] { move_selected(1); })
        ->setEnabled(row + 1 < model_->rowCount());
    menu.addAction(icon(Icon::folder), tr("Open its folder"), this, [this, row] {
      const QString folder = QFile::decodeName(model_->file(row).parent_path().c_str());
      QDesktopServices::openUrl(QUrl::fromLocalFile(folder));
    });
    menu.addSeparator();
    menu.addAction(icon(Icon::remove), tr("Remove from the list"), this, &ImagesPanel::remove_selected);
    menu.addSeparator();
  }
  menu.addAction(tr("Select all"), this, &ImagesPanel::select_all);
  menu.addAction(icon(Icon::paste), tr("Paste"), this, &ImagesPanel::paste);
  menu.exec(list_->viewport()->mapToGlobal(at));
}

}  // namespace tessera::desktop
