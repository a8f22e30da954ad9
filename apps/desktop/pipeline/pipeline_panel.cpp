// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline_panel.hpp"

#include <QApplication>
#include <QButtonGroup>
#include <QClipboard>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QKeyEvent>
#include <QLabel>
#include <QListView>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>
#include <optional>

#include "base/error.hpp"
#include "catalog/names.hpp"
#include "pipeline/operator_browser.hpp"
#include "pipeline/operator_form.hpp"
#include "pipeline/step_delegate.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {
namespace {

QToolButton* tool_button(Icon shape, const QString& tip) {
  auto* button = new QToolButton;
  button->setIcon(icon(shape));
  button->setToolTip(tip);
  button->setAccessibleName(tip);
  button->setAutoRaise(true);
  return button;
}

}  // namespace

PipelinePanel::PipelinePanel(QWidget* parent) : QWidget(parent) {
  browser_ = new OperatorBrowser(this);
  connect(browser_, &OperatorBrowser::chosen, this, [this](const std::string& name) {
    const int selected = selected_row();
    select(model_->add(name, selected < 0 ? -1 : selected + 1));
  });
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* splitter = new QSplitter(Qt::Vertical);
  splitter->setChildrenCollapsible(false);
  auto* top = new QWidget;
  auto* top_column = new QVBoxLayout(top);
  top_column->setContentsMargins(8, 8, 8, 4);
  top_column->setSpacing(6);
  top_column->addWidget(make_scope());
  top_column->addWidget(make_list(), 1);
  splitter->addWidget(top);
  form_ = new OperatorForm;
  splitter->addWidget(form_);
  splitter->setStretchFactor(0, 2);
  splitter->setStretchFactor(1, 3);
  splitter->setSizes({300, 360});
  column->addWidget(splitter);
}

QWidget* PipelinePanel::make_scope() {
  auto* bar = new QWidget;
  // Styles draw a pressed button hardly different from another, and edits must not go to the wrong place.
  bar->setStyleSheet(QStringLiteral(
      "QToolButton { padding: 4px; border: 1px solid palette(mid); background: palette(button); }"
      "QToolButton:hover { border-color: palette(highlight); }"
      "QToolButton:focus { border: 2px solid palette(link); }"
      "QToolButton:checked { background: palette(highlight); color: palette(highlighted-text);"
      " border-color: palette(highlight); font-weight: 600; }"
      "QToolButton:checked:focus { border: 2px solid palette(window-text); }"));
  auto* row = new QHBoxLayout(bar);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(0);
  const auto scope_button = [&](const QString& text, const QString& tip) {
    auto* button = new QToolButton;
    button->setText(text);
    button->setToolTip(tip);
    button->setCheckable(true);
    button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    row->addWidget(button);
    return button;
  };
  shared_scope_ = scope_button(tr("All images"), tr("Edit the pipeline that all images share"));
  own_scope_ = scope_button(tr("This image only"), tr("Give the selected image a pipeline of its own"));
  auto* group = new QButtonGroup(this);
  group->addButton(shared_scope_);
  group->addButton(own_scope_);
  shared_scope_->setChecked(true);
  connect(own_scope_, &QToolButton::clicked, this, [this] { Q_EMIT own_scope_chosen(true); });
  connect(shared_scope_, &QToolButton::clicked, this, [this] { Q_EMIT own_scope_chosen(false); });
  return bar;
}

QWidget* PipelinePanel::make_list() {
  auto* box = new QWidget;
  auto* column = new QVBoxLayout(box);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(6);
  pages_ = new QStackedWidget;
  list_ = new QListView;
  list_->setItemDelegate(new StepDelegate(list_));
  list_->setDragDropMode(QAbstractItemView::DragDrop);
  list_->setDefaultDropAction(Qt::MoveAction);
  list_->setDropIndicatorShown(true);
  list_->setDragDropOverwriteMode(false);
  list_->setMouseTracking(true);
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  list_->setAccessibleName(tr("Pipeline"));
  list_->setAccessibleDescription(tr(
      "Operations in their order. Space switches one on or off, Delete removes it, Control and an arrow key "
      "move it."));
  list_->installEventFilter(this);
  connect(list_, &QWidget::customContextMenuRequested, this, &PipelinePanel::show_context_menu);
  auto* empty =
      new QLabel(tr("<p><b>No operations yet</b></p><p>Add the first one below, or load a preset. The "
                    "preview shows at once what it does.</p>"));
  empty->setAlignment(Qt::AlignCenter);
  empty->setWordWrap(true);
  empty->setForegroundRole(QPalette::PlaceholderText);
  empty->setMargin(16);
  empty->setFrameShape(QFrame::StyledPanel);
  pages_->addWidget(empty);
  pages_->addWidget(list_);
  column->addWidget(pages_, 1);
  auto* row = new QHBoxLayout;
  row->setSpacing(4);
  add_ = new QPushButton(icon(Icon::add), tr("Add operation"));
  connect(add_, &QPushButton::clicked, this, &PipelinePanel::open_browser);
  row->addWidget(add_, 1);
  QToolButton* presets = tool_button(Icon::preset, tr("Presets"));
  presets->setPopupMode(QToolButton::InstantPopup);
  auto* preset_menu = new QMenu(presets);
  connect(preset_menu, &QMenu::aboutToShow, this, [this, preset_menu] { fill_presets(preset_menu); });
  presets->setMenu(preset_menu);
  row->addWidget(presets);
  QToolButton* more = tool_button(Icon::menu, tr("More"));
  more->setPopupMode(QToolButton::InstantPopup);
  more->setMenu(make_more_menu());
  row->addWidget(more);
  column->addLayout(row);
  return box;
}

QMenu* PipelinePanel::make_more_menu() {
  auto* menu = new QMenu(this);
  menu->addAction(icon(Icon::copy), tr("Copy as text"), this, &PipelinePanel::copy_as_text);
  menu->addAction(icon(Icon::paste), tr("Paste text"), this, &PipelinePanel::paste_text);
  menu->addSeparator();
  menu->addAction(icon(Icon::clear), tr("Remove all operations"), this, [this] {
    if (model_->rowCount() > 0) {
      model_->replace({}, tr("Remove all operations"));
    }
  });
  return menu;
}

void PipelinePanel::set_model(PipelineModel* model) {
  if (model == model_) {
    return;
  }
  if (model_ != nullptr) {
    model_->disconnect(this);
  }
  model_ = model;
  list_->setModel(model);
  connect(list_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
          &PipelinePanel::show_selected);
  connect(model_, &PipelineModel::changed, this, &PipelinePanel::update_state);
  connect(model_, &QAbstractItemModel::rowsInserted, this,
          [this](const QModelIndex&, int first, int last) { select(first == last ? first : 0); });
  connect(model_, &QAbstractItemModel::modelReset, this, [this] { select(0); });
  select(model_->rowCount() > 0 ? 0 : -1);
  update_state();
  show_selected();
}

void PipelinePanel::set_scope(bool own, bool image_selected) {
  own_scope_->setEnabled(image_selected || own);
  own_scope_->setChecked(own);
  shared_scope_->setChecked(!own);
}

int PipelinePanel::selected_row() const {
  const QModelIndex index = list_->currentIndex();
  return index.isValid() ? index.row() : -1;
}

void PipelinePanel::select(int row) {
  list_->setCurrentIndex(row >= 0 ? model_->index(std::min(row, model_->rowCount() - 1)) : QModelIndex());
}

void PipelinePanel::show_selected() { form_->show_operator(model_, selected_row()); }

void PipelinePanel::update_state() {
  pages_->setCurrentIndex(model_->rowCount() == 0 ? 0 : 1);
  if (selected_row() < 0 && model_->rowCount() > 0) {
    select(model_->rowCount() - 1);
  }
  show_selected();
}

void PipelinePanel::open_browser() { browser_->pop_up(add_); }

void PipelinePanel::copy_as_text() {
  const PipelineSteps pipeline = model_->pipeline();
  if (pipeline.empty()) {
    Q_EMIT message(tr("There is no operation to copy."));
    return;
  }
  QApplication::clipboard()->setText(QString::fromStdString(to_text(pipeline)));
  Q_EMIT message(tr("The pipeline is on the clipboard, as text for the command line."));
}

void PipelinePanel::paste_text() {
  const QString text = QApplication::clipboard()->text().trimmed();
  try {
    model_->replace(parse_pipeline(text.toStdString(), presets_.load()), tr("Paste pipeline"));
    select(0);
  } catch (const Error& error) {
    QMessageBox box(QMessageBox::Information, tr("Paste text"), tr("The clipboard holds no pipeline."),
                    QMessageBox::Ok, this);
    box.setInformativeText(QString::fromUtf8(error.what()));
    box.exec();
  }
}

void PipelinePanel::remove_selected() {
  const int row = selected_row();
  if (row >= 0) {
    model_->remove(row);
    select(std::min(row, model_->rowCount() - 1));
  }
}

void PipelinePanel::duplicate_selected() {
  if (selected_row() >= 0) {
    model_->duplicate(selected_row());
  }
}

void PipelinePanel::move_selected(int by) {
  const int row = selected_row();
  if (row >= 0) {
    model_->move(row, row + by);
  }
}

bool PipelinePanel::eventFilter(QObject* watched, QEvent* event) {
  if (watched == list_ && event->type() == QEvent::KeyPress && model_ != nullptr) {
    const auto* key = static_cast<QKeyEvent*>(event);
    const bool control = key->modifiers().testFlag(Qt::ControlModifier);
    if (key->key() == Qt::Key_Delete || key->key() == Qt::Key_Backspace) {
      remove_selected();
      return true;
    }
    if (control && (key->key() == Qt::Key_Up || key->key() == Qt::Key_Down)) {
      move_selected(key->key() == Qt::Key_Up ? -1 : 1);
      return true;
    }
    if (key->key() == Qt::Key_Insert) {
      open_browser();
      return true;
    }
  }
  return QWidget::eventFilter(watched, event);
}

void PipelinePanel::show_context_menu(const QPoint& at) {
  const QModelIndex index = list_->indexAt(at);
  if (!index.isValid()) {
    return;
  }
  list_->setCurrentIndex(index);
  const int row = index.row();
  const bool enabled = model_->items()[static_cast<std::size_t>(row)].enabled;
  QMenu menu(this);
  menu.addAction(enabled ? tr("Switch off") : tr("Switch on"), this,
                 [this, row, enabled] { model_->set_enabled(row, !enabled); });
  menu.addAction(icon(Icon::copy), tr("Duplicate"), this, &PipelinePanel::duplicate_selected);
  QAction* up = menu.addAction(icon(Icon::up), tr("Move up"), this, [this] { move_selected(-1); });
  up->setEnabled(row > 0);
  QAction* down = menu.addAction(icon(Icon::down), tr("Move down"), this, [this] { move_selected(1); });
  down->setEnabled(row + 1 < model_->rowCount());
  menu.addAction(icon(Icon::reset), tr("Reset"), this, [this, row] { model_->reset_values(row); });
  menu.addSeparator();
  menu.addAction(icon(Icon::remove), tr("Remove"), this, &PipelinePanel::remove_selected);
  menu.exec(list_->viewport()->mapToGlobal(at));
}

void PipelinePanel::fill_presets(QMenu* menu) {
  menu->clear();
  Presets presets;
  try {
    presets = presets_.load();
  } catch (const Error& error) {
    QAction* broken = menu->addAction(icon(Icon::warning), tr("The presets cannot be read"));
    broken->setToolTip(QString::fromUtf8(error.what()));
    menu->setToolTipsVisible(true);
    connect(broken, &QAction::triggered, this, [this, text = QString::fromUtf8(error.what())] {
      QMessageBox::warning(this, tr("Presets"), text);
    });
    return;
  }
  if (presets.empty()) {
    menu->addAction(tr("No presets yet"))->setEnabled(false);
  }
  for (const auto& [name, pipeline] : presets) {
    QAction* load = menu->addAction(icon(Icon::preset), QString::fromStdString(name));
    load->setToolTip(QString::fromStdString(to_text(pipeline)));
    connect(load, &QAction::triggered, this, [this, name = name, pipeline = pipeline] {
      model_->replace(pipeline, tr("Load preset %1").arg(QString::fromStdString(name)));
      select(0);
    });
  }
  menu->setToolTipsVisible(true);
  menu->addSeparator();
  QAction* save = menu->addAction(tr("Save as preset…"), this, &PipelinePanel::save_preset);
  save->setEnabled(!model_->pipeline().empty());
  if (!presets.empty()) {
    QMenu* remove = menu->addMenu(tr("Delete preset"));
    for (const auto& [name, pipeline] : presets) {
      remove->addAction(QString::fromStdString(name), this, [this, name = name] {
        try {
          presets_.remove(name);
          Q_EMIT message(tr("The preset “%1” is deleted.").arg(QString::fromStdString(name)));
        } catch (const Error& error) {
          QMessageBox::warning(this, tr("Delete preset"), QString::fromUtf8(error.what()));
        }
      });
    }
  }
}

void PipelinePanel::save_preset() {
  bool accepted = false;
  const QString typed =
      QInputDialog::getText(this, tr("Save as preset"), tr("Name (on the command line it will be @name):"),
                            QLineEdit::Normal, {}, &accepted);
  const std::string name = preset_name(typed.toStdString());
  if (!accepted || name.empty()) {
    return;
  }
  try {
    if (presets_.load().contains(name) &&
        QMessageBox::question(
            this, tr("Save as preset"),
            tr("There is a preset “%1” already. Replace it?").arg(QString::fromStdString(name))) !=
            QMessageBox::Yes) {
      return;
    }
    presets_.save(name, model_->pipeline());
    Q_EMIT message(tr("Saved as preset “%1”.").arg(QString::fromStdString(name)));
  } catch (const Error& error) {
    QMessageBox::warning(this, tr("Save as preset"), QString::fromUtf8(error.what()));
  }
}

}  // namespace tessera::desktop
