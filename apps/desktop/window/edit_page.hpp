// SPDX-License-Identifier: Apache-2.0
// Images, preview and pipeline side by side.
#pragma once

#include <QWidget>
#include <vector>

#include "jobs/model/submission.hpp"
#include "pipeline/pipeline_set.hpp"

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

  /// The selected images where several are selected, else all.
  void submit();
  /// Where it will be processed: "This computer", or a server's name.
  void set_place(const QString& name);

 Q_SIGNALS:
  void submitted(const std::vector<tessera::desktop::Submission>& submissions);
  void message(const QString& text);

 private:
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
};

}  // namespace tessera::desktop
