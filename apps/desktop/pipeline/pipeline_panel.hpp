// SPDX-License-Identifier: Apache-2.0
// The pipeline as a list of operators, and the form of the selected one.
#pragma once

#include <QWidget>

#include "pipeline/pipeline_model.hpp"
#include "pipeline/preset_store.hpp"

class QActionGroup;
class QLabel;
class QListView;
class QMenu;
class QPushButton;
class QStackedWidget;
class QToolButton;

namespace tessera::desktop {

class OperatorBrowser;
class OperatorForm;

class PipelinePanel : public QWidget {
  Q_OBJECT

 public:
  explicit PipelinePanel(QWidget* parent = nullptr);

  /// The model must outlive the panel or be replaced before it goes.
  void set_model(PipelineModel* model);
  [[nodiscard]] PipelineModel* model() const { return model_; }
  /// Which of "all images" and "only this image" is edited, and whether there is an image to choose.
  void set_scope(bool own, bool image_selected);
  [[nodiscard]] QListView* list() const { return list_; }

  void open_browser();
  void copy_as_text();
  void paste_text();
  void remove_selected();
  void duplicate_selected();
  void move_selected(int by);

 Q_SIGNALS:
  void own_scope_chosen(bool own);
  void message(const QString& text);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QWidget* make_scope();
  QWidget* make_list();
  QMenu* make_more_menu();
  void fill_presets(QMenu* menu);
  void save_preset();
  void show_context_menu(const QPoint& at);
  void show_selected();
  void update_state();
  void select(int row);
  [[nodiscard]] int selected_row() const;

  PipelineModel* model_ = nullptr;
  PresetStore presets_;
  QListView* list_;
  QStackedWidget* pages_;
  OperatorForm* form_;
  OperatorBrowser* browser_;
  QPushButton* add_;
  QToolButton* shared_scope_;
  QToolButton* own_scope_;
};

}  // namespace tessera::desktop
