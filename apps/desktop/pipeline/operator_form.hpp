// SPDX-License-Identifier: Apache-2.0
// The parameters of one operator as a form.
#pragma once

#include <QPersistentModelIndex>
#include <QWidget>
#include <vector>

#include "pipeline/pipeline_model.hpp"

class QLabel;
class QScrollArea;
class QToolButton;
class QVBoxLayout;

namespace tessera::desktop {

class ValueEditor;

class OperatorForm : public QWidget {
  Q_OBJECT

 public:
  explicit OperatorForm(QWidget* parent = nullptr);

  /// Shows the operator in that row, which may be none (-1).
  void show_operator(PipelineModel* model, int row);

 private:
  struct Field {
    ParamInfo param;
    ValueEditor* editor;
    QToolButton* reset;
  };

  void build();
  void add_field(QVBoxLayout* column, const ParamInfo& param);
  void refresh();

  PipelineModel* model_ = nullptr;
  QPersistentModelIndex index_;
  std::vector<Field> fields_;
  QScrollArea* scroll_;
  bool border_open_ = false;  ///< whether the section of border parameters is unfolded
};

}  // namespace tessera::desktop
