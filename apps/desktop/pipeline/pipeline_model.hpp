// SPDX-License-Identifier: Apache-2.0
// The pipeline being edited: a list of operators, every change of which can be undone.
#pragma once

#include <QAbstractListModel>
#include <QUndoStack>
#include <cstdint>
#include <vector>

#include "plan/pipeline.hpp"

namespace tessera::desktop {

struct PipelineItem {
  std::uint64_t id = 0;  ///< stays with the operator wherever it moves
  PipelineStep step;
  bool enabled = true;
  bool operator==(const PipelineItem&) const = default;
};

class PipelineModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role : int {
    SummaryRole = Qt::UserRole,  ///< the parameters that were given: "Sigma 2 px"
    NameRole,                    ///< as the catalogue writes it
    EnabledRole
  };
  /// A drag with the name of an operator to add.
  static constexpr const char* operator_type = "application/x-tessera-operator";

  explicit PipelineModel(QObject* parent = nullptr);

  [[nodiscard]] QUndoStack* undo_stack() { return &undo_stack_; }
  [[nodiscard]] const std::vector<PipelineItem>& items() const { return items_; }
  [[nodiscard]] const CatalogEntry& entry(int row) const;
  /// Given or default.
  [[nodiscard]] Json value(int row, const ParamInfo& param) const;
  /// What will run: the operators that are not switched off.
  [[nodiscard]] PipelineSteps pipeline() const;
  [[nodiscard]] bool has_operations() const;  ///< that are not switched off
  /// Starts anew with this, and nothing to undo.
  void start_with(const std::vector<PipelineItem>& items);

  // Edits. Each is one step of undo.
  int add(const std::string& name, int row = -1);  ///< before `row`, or at the end; returns its row
  void remove(int row);
  void move(int from, int to);  ///< `to`: the row it will have
  void duplicate(int row);
  void set_enabled(int row, bool enabled);
  /// Changes that follow one another up to end_gesture() are one step. A value out of range is refused
  /// silently: forms do not offer any.
  void set_value(int row, const ParamInfo& param, const Json& value);
  void reset_value(int row, const ParamInfo& param);
  void reset_values(int row);
  void end_gesture() { ++gesture_; }
  void replace(const PipelineSteps& pipeline, const QString& what);
  void append(const PipelineSteps& pipeline, const QString& what);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
  [[nodiscard]] Qt::DropActions supportedDropActions() const override;
  [[nodiscard]] QStringList mimeTypes() const override;
  [[nodiscard]] QMimeData* mimeData(const QModelIndexList& indexes) const override;
  bool dropMimeData(const QMimeData* data, Qt::DropAction action, int row, int column,
                    const QModelIndex& parent) override;

 Q_SIGNALS:
  /// Anything that makes other pixels, or other text.
  void changed();

 private:
  class Edit;

  void push(std::vector<PipelineItem> items, const QString& text, const QString& gesture = {});
  /// Tells views the smallest change that leads to `items`.
  void become(const std::vector<PipelineItem>& items);

  std::vector<PipelineItem> items_;
  QUndoStack undo_stack_;
  std::uint64_t next_id_ = 1;
  std::uint64_t gesture_ = 0;
};

/// "2 px", "on", "reflect101": a value with its unit.
[[nodiscard]] QString value_text(const ParamInfo& param, const Json& value);

}  // namespace tessera::desktop
