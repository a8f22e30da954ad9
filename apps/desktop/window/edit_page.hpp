// SPDX-License-Identifier: Apache-2.0
// Images, preview and pipeline side by side.
#pragma once

#include <QWidget>
#include <vector>

#include "jobs/model/submission.hpp"
#include "pipeline/pipeline_set.hpp"
#include "window/workspace.hpp"

class QLabel;
class QPushButton;
class QSplitter;

namespace tessera::desktop {

class ImageListModel;
class ImagesPanel;
class OutputForm;
class PipelinePanel;
class PreviewPanel;

class EditPage : public QWidget {
  Q_OBJECT

 public:
  explicit EditPage(QWidget* parent = nullptr);

  [[nodiscard]] ImageListModel* images() const { return images_; }
  [[nodiscard]] ImagesPanel* images_panel() const { return images_panel_; }
  [[nodiscard]] PipelinePanel* pipeline_panel() const { return pipeline_panel_; }
  [[nodiscard]] PreviewPanel* preview_panel() const { return preview_panel_; }
  [[nodiscard]] PipelineSet& pipelines() { return pipelines_; }
  void save_state() const;
  [[nodiscard]] Workspace workspace();
  /// In place of what is there.
  void open(const Workspace& workspace);
  /// Images that were removed last, together, come back to where they were, with their own pipelines.
  void restore_removed();
  [[nodiscard]] int removed_count() const { return static_cast<int>(removed_.size()); }

  /// The selected images where several are selected, else all.
  void submit();
  /// Where it will be processed: "This computer", or a server's name.
  void set_place(const QString& name);

 Q_SIGNALS:
  void submitted(const std::vector<tessera::desktop::Submission>& submissions);
  void message(const QString& text);
  /// Something that workspace() tells.
  void workspace_changed();
  void removed_count_changed(int count);

 private:
  struct Removed {
    int row = 0;
    Workspace::Image image;
  };
  void watch_images();
  void remember_removed(int first, int last);
  [[nodiscard]] Workspace::Image image_at(int row);
  void insert_images(int row, const std::vector<Workspace::Image>& images);
  QWidget* make_submit_area();
  void show_current();
  void choose_scope(bool own);
  void edit(PipelineModel* model);
  void update_submit();
  [[nodiscard]] std::vector<int> rows_to_submit() const;

  PipelineSet pipelines_;
  ImageListModel* images_;
  ImagesPanel* images_panel_;
  PreviewPanel* preview_panel_;
  PipelinePanel* pipeline_panel_;
  OutputForm* output_;
  QPushButton* submit_;
  QSplitter* splitter_;
  QLabel* place_;
  std::uint64_t current_image_ = 0;
  std::vector<Removed> removed_;    ///< in the order in which they went
  bool removing_together_ = false;  ///< more may follow to removed_
};

}  // namespace tessera::desktop
