// SPDX-License-Identifier: Apache-2.0
// The preview of the selected image: comparison, how exact it is, histogram.
#pragma once

#include <QTimer>
#include <QWidget>
#include <optional>

#include "preview/preview_engine.hpp"
#include "view/compare_view.hpp"

class QActionGroup;
class QFrame;
class QLabel;
class QProgressBar;
class QToolBar;
class QToolButton;

namespace tessera::desktop {

class HistogramView;

class PreviewPanel : public QWidget {
  Q_OBJECT

 public:
  explicit PreviewPanel(QWidget* parent = nullptr);

  /// What to look at. `thumbnail` stands in until the pixels are there.
  void show_image(const std::filesystem::path& file, const QSize& size, const QImage& thumbnail);
  void show_nothing(const QString& why);
  void set_pipeline(const PipelineSteps& pipeline);
  void set_full_size_allowed(bool allowed);
  [[nodiscard]] CompareView* view() const { return view_; }
  [[nodiscard]] QActionGroup* mode_actions() const { return modes_; }
  [[nodiscard]] PreviewEngine* engine() const { return engine_; }

 Q_SIGNALS:
  void shown(const tessera::desktop::PreviewResult& result);

 private:
  QToolBar* make_toolbar();
  QWidget* make_error_bar();
  QWidget* make_footer();
  void ask();
  void show_result(const PreviewResult& result);
  void tell_quality(const PreviewResult& result);
  void update_zoom();

  PreviewEngine* engine_;
  CompareView* view_;
  HistogramView* histogram_;
  QActionGroup* modes_;
  QToolButton* zoom_;
  QLabel* quality_;
  QLabel* facts_;
  QFrame* error_bar_;
  QLabel* error_;
  QProgressBar* progress_;
  QTimer ask_later_;
  PreviewRequest request_;
};

}  // namespace tessera::desktop
