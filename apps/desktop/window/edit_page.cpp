// SPDX-License-Identifier: Apache-2.0
#include "window/edit_page.hpp"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QTimer>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "pipeline/pipeline_panel.hpp"
#include "preview/preview_panel.hpp"
#include "view/icons.hpp"
#include "window/output_form.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* splitter_key = "window/splitter";

}  // namespace

EditPage::EditPage(QWidget* parent) : QWidget(parent) {
  images_ = new ImageListModel(this);
  images_panel_ = new ImagesPanel(images_);
  preview_panel_ = new PreviewPanel;
  pipeline_panel_ = new PipelinePanel;
  auto* side = new QWidget;
  auto* side_column = new QVBoxLayout(side);
  side_column->setContentsMargins(0, 0, 0, 0);
  side_column->setSpacing(0);
  side_column->addWidget(pipeline_panel_, 1);
  side_column->addWidget(make_submit_area());

  splitter_ = new QSplitter(Qt::Horizontal);
  splitter_->addWidget(images_panel_);
  splitter_->addWidget(preview_panel_);
  splitter_->addWidget(side);
  splitter_->setStretchFactor(1, 1);
  splitter_->setChildrenCollapsible(false);
  images_panel_->setMinimumWidth(190);
  side->setMinimumWidth(280);
  splitter_->setSizes({250, 700, 330});
  splitter_->restoreState(QSettings().value(splitter_key).toByteArray());
  auto* whole = new QHBoxLayout(this);
  whole->setContentsMargins(0, 0, 0, 0);
  whole->addWidget(splitter_);

  connect(images_panel_, &ImagesPanel::current_changed, this, &EditPage::show_current);
  connect(images_panel_, &ImagesPanel::selection_changed, this, &EditPage::update_submit);
  connect(images_panel_, &ImagesPanel::message, this, &EditPage::message);
  connect(images_, &QAbstractItemModel::dataChanged, this,
          [this](const QModelIndex& first, const QModelIndex& last) {
            const int row = images_panel_->current_row();
            if (first.row() <= row && row <= last.row()) {
              show_current();
            }
          });
  connect(images_, &QAbstractItemModel::rowsInserted, this, &EditPage::update_submit);
  connect(images_, &QAbstractItemModel::rowsRemoved, this, &EditPage::show_current);
  connect(images_, &ImageListModel::removed, this, [this](std::uint64_t id) {
    if (pipelines_.has_own(id)) {
      if (id == current_image_) {
        edit(&pipelines_.shared());
      }
      pipelines_.drop_own(id);
    }
  });
  watch_images();
  connect(pipeline_panel_, &PipelinePanel::own_scope_chosen, this, &EditPage::choose_scope);
  connect(pipeline_panel_, &PipelinePanel::message, this, &EditPage::message);
  edit(&pipelines_.shared());
  show_current();
}

void EditPage::watch_images() {
  connect(images_, &QAbstractItemModel::rowsAboutToBeRemoved, this,
          [this](const QModelIndex&, int first, int last) { remember_removed(first, last); });
  connect(images_, &QAbstractItemModel::rowsInserted, this, &EditPage::workspace_changed);
  connect(images_, &QAbstractItemModel::rowsRemoved, this, &EditPage::workspace_changed);
  connect(images_, &QAbstractItemModel::rowsMoved, this, &EditPage::workspace_changed);
}

void EditPage::remember_removed(int first, int last) {
  if (!removing_together_) {
    removed_.clear();
    removing_together_ = true;
    // What goes later goes for another reason.
    QTimer::singleShot(0, this, [this] { removing_together_ = false; });
  }
  // From the last on, so that the reverse order puts each to its place.
  for (int row = last; row >= first; --row) {
    removed_.push_back({row, image_at(row)});
  }
  Q_EMIT removed_count_changed(removed_count());
}

void EditPage::restore_removed() {
  const std::vector<Removed> removed = std::exchange(removed_, {});
  for (auto one = removed.rbegin(); one != removed.rend(); ++one) {
    const int row = std::min(one->row, images_->rowCount());
    insert_images(row, {one->image});
  }
  Q_EMIT removed_count_changed(0);
}

Workspace::Image EditPage::image_at(int row) {
  const std::uint64_t id = images_->id(row);
  Workspace::Image image{images_->file(row)};
  if (pipelines_.has_own(id)) {
    image.own = pipelines_.of(id).items();
  }
  return image;
}

Workspace EditPage::workspace() {
  Workspace workspace;
  for (int row = 0; row < images_->rowCount(); ++row) {
    workspace.images.push_back(image_at(row));
  }
  workspace.shared = pipelines_.shared().items();
  return workspace;
}

void EditPage::open(const Workspace& workspace) {
  images_->clear();
  pipelines_.shared().start_with(workspace.shared);
  insert_images(0, workspace.images);
  removed_.clear();
  Q_EMIT removed_count_changed(0);
  show_current();
}

void EditPage::insert_images(int row, const std::vector<Workspace::Image>& images) {
  std::vector<std::filesystem::path> files;
  for (const Workspace::Image& image : images) {
    files.push_back(image.file);
  }
  const std::vector<std::uint64_t> ids = images_->insert(row, files);
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (ids[i] != 0 && images[i].own) {
      pipelines_.give_own(ids[i]).start_with(*images[i].own);
      images_->set_has_own_pipeline(ids[i], true);
    }
  }
}

QWidget* EditPage::make_submit_area() {
  auto* area = new QFrame;
  auto* column = new QVBoxLayout(area);
  column->setContentsMargins(12, 8, 12, 12);
  column->setSpacing(8);
  auto* line = new QFrame;
  line->setFrameShape(QFrame::HLine);
  line->setFrameShadow(QFrame::Plain);
  line->setForegroundRole(QPalette::Mid);
  column->addWidget(line);
  output_ = new OutputForm;
  column->addWidget(output_);
  submit_ = new QPushButton(icon(Icon::play), tr("Process"));
  submit_->setDefault(true);
  submit_->setMinimumHeight(34);
  connect(submit_, &QPushButton::clicked, this, &EditPage::submit);
  column->addWidget(submit_);
  place_ = new QLabel;
  place_->setAlignment(Qt::AlignCenter);
  place_->setForegroundRole(QPalette::PlaceholderText);
  column->addWidget(place_);
  return area;
}

void EditPage::show_current() {
  const int row = images_panel_->current_row();
  update_submit();
  if (row < 0 || row >= images_->rowCount()) {
    current_image_ = 0;
    preview_panel_->show_nothing(tr("Add images to see here what the pipeline makes of them."));
    edit(&pipelines_.shared());
    return;
  }
  current_image_ = images_->id(row);
  const ImageFacts* facts = images_->facts(row);
  if (facts != nullptr && !facts->error.isEmpty()) {
    preview_panel_->show_nothing(facts->error);
  } else if (facts != nullptr) {
    preview_panel_->show_image(
        images_->file(row),
        {static_cast<int>(facts->info.extent.width), static_cast<int>(facts->info.extent.height)},
        facts->thumbnail);
  } else {
    preview_panel_->show_nothing(tr("Reading the picture…"));
    images_->set_visible_rows(row, row);
  }
  edit(&pipelines_.of(current_image_));
}

void EditPage::edit(PipelineModel* model) {
  if (pipeline_panel_->model() != model) {
    if (pipeline_panel_->model() != nullptr) {
      disconnect(pipeline_panel_->model(), &PipelineModel::changed, this, nullptr);
    }
    pipeline_panel_->set_model(model);
    pipelines_.undo_group().setActiveStack(model->undo_stack());
    connect(model, &PipelineModel::changed, this, [this, model] {
      preview_panel_->set_pipeline(model->pipeline());
      update_submit();
      Q_EMIT workspace_changed();
    });
    preview_panel_->set_pipeline(model->pipeline());
  }
  pipeline_panel_->set_scope(model != &pipelines_.shared(), current_image_ != 0);
}

void EditPage::choose_scope(bool own) {
  if (current_image_ == 0) {
    edit(&pipelines_.shared());
    return;
  }
  if (own) {
    edit(&pipelines_.give_own(current_image_));
  } else {
    if (pipelines_.has_own(current_image_) &&
        !(pipelines_.of(current_image_).pipeline() == pipelines_.shared().pipeline()) &&
        QMessageBox::question(this, tr("Pipeline of this image"),
                              tr("This image goes back to the pipeline of all images. Its own is lost.")) !=
            QMessageBox::Yes) {
      edit(&pipelines_.of(current_image_));
      return;
    }
    edit(&pipelines_.shared());
    pipelines_.drop_own(current_image_);
  }
  images_->set_has_own_pipeline(current_image_, own);
  Q_EMIT workspace_changed();
}

std::vector<int> EditPage::rows_to_submit() const {
  std::vector<int> rows = images_panel_->selected_rows();
  if (rows.size() < 2) {
    rows.clear();
    for (int row = 0; row < images_->rowCount(); ++row) {
      rows.push_back(row);
    }
  }
  std::erase_if(rows, [this](int row) {
    const ImageFacts* facts = images_->facts(row);
    return facts != nullptr && !facts->error.isEmpty();
  });
  return rows;
}

void EditPage::update_submit() {
  const std::vector<int> rows = rows_to_submit();
  const bool any_pipeline =
      std::ranges::any_of(rows, [this](int row) { return pipelines_.of(images_->id(row)).has_operations(); });
  submit_->setEnabled(any_pipeline);
  const auto count = static_cast<int>(rows.size());
  submit_->setText(images_panel_->selected_rows().size() > 1 ? tr("Process %1 selected images").arg(count)
                   : count > 1                               ? tr("Process all %1 images").arg(count)
                                                             : tr("Process the image"));
  submit_->setToolTip(rows.empty()    ? tr("Add images first")
                      : !any_pipeline ? tr("Add an operation first")
                                      : tr("Makes the results (Ctrl+Return)"));
}

void EditPage::submit() {
  std::vector<Submission> submissions;
  int without = 0;
  for (const int row : rows_to_submit()) {
    PipelineSteps pipeline = pipelines_.of(images_->id(row)).pipeline();
    if (pipeline.empty()) {
      ++without;
      continue;
    }
    submissions.push_back({images_->file(row), std::move(pipeline), output_->output()});
  }
  if (submissions.empty()) {
    Q_EMIT message(submit_->toolTip());
    return;
  }
  if (without > 0) {
    Q_EMIT message(tr("Images without an operation are left out: %1.").arg(without));
  }
  output_->save();
  Q_EMIT submitted(submissions);
}

void EditPage::set_place(const QString& name) { place_->setText(tr("Where: %1").arg(name)); }

void EditPage::save_state() const {
  QSettings().setValue(splitter_key, splitter_->saveState());
  output_->save();
}

}  // namespace tessera::desktop
