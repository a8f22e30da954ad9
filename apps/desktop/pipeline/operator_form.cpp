// SPDX-License-Identifier: Apache-2.0
#include "pipeline/operator_form.hpp"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

#include "catalog/names.hpp"
#include "pipeline/value_editors.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {
namespace {

QLabel* quiet_label(const QString& text) {
  auto* label = new QLabel(text);
  label->setWordWrap(true);
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

}  // namespace

OperatorForm::OperatorForm(QWidget* parent) : QWidget(parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  scroll_ = new QScrollArea;
  scroll_->setWidgetResizable(true);
  scroll_->setFrameShape(QFrame::NoFrame);
  scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll_->setAccessibleName(tr("Settings of the operation"));
  column->addWidget(scroll_);
  build();
}

void OperatorForm::show_operator(PipelineModel* model, int row) {
  const QModelIndex index = model != nullptr && row >= 0 ? model->index(row) : QModelIndex();
  if (model == model_ && index == index_ && index.isValid()) {
    refresh();
    return;
  }
  if (model_ != nullptr && model_ != model) {
    model_->disconnect(this);
  }
  if (model != nullptr && model != model_) {
    connect(model, &PipelineModel::changed, this, &OperatorForm::refresh);
  }
  model_ = model;
  index_ = index;
  build();
}

void OperatorForm::build() {
  fields_.clear();
  auto* page = new QWidget;
  auto* column = new QVBoxLayout(page);
  column->setContentsMargins(12, 10, 12, 12);
  column->setSpacing(4);
  if (!index_.isValid()) {
    column->addStretch(1);
    auto* hint = quiet_label(tr("Select an operation to change how it works."));
    hint->setAlignment(Qt::AlignCenter);
    column->addWidget(hint);
    column->addStretch(1);
    scroll_->setWidget(page);
    return;
  }
  const CatalogEntry& entry = model_->entry(index_.row());
  auto* head = new QHBoxLayout;
  auto* title = new QLabel(title_of(entry.info.name));
  QFont bold = title->font();
  bold.setBold(true);
  title->setFont(bold);
  head->addWidget(title, 1);
  auto* help = new QToolButton;
  help->setIcon(icon(Icon::help));
  help->setAutoRaise(true);
  help->setCheckable(true);
  help->setToolTip(tr("How exactly it is computed"));
  help->setAccessibleName(help->toolTip());
  head->addWidget(help);
  auto* reset = new QToolButton;
  reset->setIcon(icon(Icon::reset));
  reset->setAutoRaise(true);
  reset->setToolTip(tr("Reset all of this operation"));
  reset->setAccessibleName(reset->toolTip());
  connect(reset, &QToolButton::clicked, this, [this] {
    if (index_.isValid()) {
      model_->reset_values(index_.row());
    }
  });
  head->addWidget(reset);
  column->addLayout(head);
  column->addWidget(quiet_label(to_qstring(entry.info.doc)));
  auto* definition = quiet_label(to_qstring(entry.info.definition));
  definition->setVisible(false);
  connect(help, &QToolButton::toggled, definition, &QWidget::setVisible);
  column->addWidget(definition);
  column->addSpacing(6);

  std::vector<const ParamInfo*> border;
  for (const ParamInfo& param : entry.params) {
    if (is_border_param(param)) {
      border.push_back(&param);
    } else {
      add_field(column, param);
    }
  }
  if (entry.params.empty()) {
    column->addWidget(quiet_label(tr("There is nothing to set.")));
  }
  if (!border.empty()) {
    auto* fold = new QToolButton;
    fold->setText(tr("At the picture's edges"));
    fold->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    fold->setAutoRaise(true);
    fold->setCheckable(true);
    auto* section = new QWidget;
    auto* inside = new QVBoxLayout(section);
    inside->setContentsMargins(0, 0, 0, 0);
    inside->setSpacing(4);
    for (const ParamInfo* param : border) {
      add_field(inside, *param);
    }
    connect(fold, &QToolButton::toggled, this, [this, fold, section](bool open) {
      border_open_ = open;
      fold->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
      section->setVisible(open);
    });
    fold->setArrowType(Qt::RightArrow);
    section->setVisible(false);
    fold->setChecked(border_open_);
    column->addSpacing(4);
    column->addWidget(fold);
    column->addWidget(section);
  }
  column->addStretch(1);
  scroll_->setWidget(page);
  refresh();
}

void OperatorForm::add_field(QVBoxLayout* column, const ParamInfo& param) {
  ValueEditor* editor = make_value_editor(param, names_image(model_->entry(index_.row()), param), nullptr);
  const QString help = QStringLiteral("<p>%1</p><p><i>%2</i></p>")
                           .arg(QString::fromStdString(param.doc).toHtmlEscaped(),
                                QString::fromStdString(describe_range(param)).toHtmlEscaped());
  editor->setToolTip(help);
  auto* reset = new QToolButton;
  reset->setIcon(icon(Icon::reset));
  reset->setAutoRaise(true);
  reset->setIconSize({14, 14});
  reset->setToolTip(tr("Reset to %1").arg(value_text(param, param.default_value)));
  reset->setAccessibleName(tr("Reset %1").arg(title_of(param.name)));
  QSizePolicy keep = reset->sizePolicy();
  keep.setRetainSizeWhenHidden(true);
  reset->setSizePolicy(keep);
  auto* row = new QHBoxLayout;
  row->setSpacing(4);
  if (param.type != ParamType::boolean) {
    auto* label = new QLabel(title_of(param.name));
    label->setToolTip(help);
    label->setBuddy(editor);
    column->addWidget(label);
  }
  row->addWidget(editor, 1);
  row->addWidget(reset);
  column->addLayout(row);
  column->addSpacing(4);
  connect(editor, &ValueEditor::value_edited, this, [this, param](const Json& value) {
    if (index_.isValid()) {
      model_->set_value(index_.row(), param, value);
    }
  });
  connect(editor, &ValueEditor::edit_finished, this, [this] { model_->end_gesture(); });
  connect(reset, &QToolButton::clicked, this, [this, param] {
    if (index_.isValid()) {
      model_->reset_value(index_.row(), param);
    }
  });
  fields_.push_back({param, editor, reset});
}

void OperatorForm::refresh() {
  if (!index_.isValid()) {
    if (!fields_.empty()) {
      build();
    }
    return;
  }
  for (const Field& field : fields_) {
    const Json value = model_->value(index_.row(), field.param);
    field.editor->set_value(value);
    field.reset->setVisible(value != field.param.default_value);
  }
}

}  // namespace tessera::desktop
