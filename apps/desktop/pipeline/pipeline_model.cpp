// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline_model.hpp"

#include <QDataStream>
#include <QIODevice>
#include <QLocale>
#include <QMimeData>
#include <QUndoCommand>
#include <algorithm>

#include "base/error.hpp"
#include "catalog/names.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* row_type = "application/x-tessera-pipeline-row";

std::vector<std::uint64_t> ids_of(const std::vector<PipelineItem>& items) {
  std::vector<std::uint64_t> ids;
  ids.reserve(items.size());
  for (const PipelineItem& item : items) {
    ids.push_back(item.id);
  }
  return ids;
}

bool is_valid(const CatalogEntry& entry, const ParamInfo& param, const Json& value) {
  try {
    check_value(entry.info.name, param, value);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

QString value_text(const ParamInfo& param, const Json& value) {
  switch (param.type) {
    case ParamType::boolean:
      return value.get<bool>() ? PipelineModel::tr("on") : PipelineModel::tr("off");
    case ParamType::number:
    case ParamType::integer: {
      QString text = QLocale().toString(value.get<double>(), 'g', 6);
      const std::string_view unit = param.limits.unit;
      if (!unit.empty()) {
        text += (unit == "%" ? "\u2009" : " ") + unit_text(unit);
      }
      return text;
    }
    case ParamType::choice:
      return title_of(value.get_ref<const std::string&>());
    case ParamType::text:
    case ParamType::color:
      return QString::fromStdString(value.get<std::string>());
  }
  return {};
}

/// The whole pipeline before and after: it is small, and nothing can get out of step.
class PipelineModel::Edit : public QUndoCommand {
 public:
  Edit(PipelineModel& model, std::vector<PipelineItem> after, const QString& text, QString gesture)
      : QUndoCommand(text),
        model_(model),
        before_(model.items_),
        after_(std::move(after)),
        gesture_(std::move(gesture)) {}
  void undo() override { model_.become(before_); }
  void redo() override { model_.become(after_); }
  [[nodiscard]] int id() const override { return gesture_.isEmpty() ? -1 : 1; }
  bool mergeWith(const QUndoCommand* other) override {
    const auto& next = static_cast<const Edit&>(*other);
    if (next.gesture_ != gesture_) {
      return false;
    }
    after_ = next.after_;
    setObsolete(after_ == before_);
    return true;
  }

 private:
  PipelineModel& model_;
  std::vector<PipelineItem> before_;
  std::vector<PipelineItem> after_;
  QString gesture_;
};

PipelineModel::PipelineModel(QObject* parent) : QAbstractListModel(parent) {}

const CatalogEntry& PipelineModel::entry(int row) const {
  return find_operator(items_.at(static_cast<std::size_t>(row)).step.name);
}

Json PipelineModel::value(int row, const ParamInfo& param) const {
  const Json& given = items_.at(static_cast<std::size_t>(row)).step.parameters;
  const auto found = given.find(param.name);
  return found == given.end() ? param.default_value : *found;
}

PipelineSteps PipelineModel::pipeline() const {
  PipelineSteps result;
  for (const PipelineItem& item : items_) {
    if (item.enabled) {
      result.push_back(item.step);
    }
  }
  return result;
}

bool PipelineModel::has_operations() const { return std::ranges::any_of(items_, &PipelineItem::enabled); }

void PipelineModel::start_with(const std::vector<PipelineItem>& items) {
  undo_stack_.clear();
  std::vector<PipelineItem> fresh = items;
  for (PipelineItem& item : fresh) {
    item.id = next_id_++;
  }
  become(fresh);
}

void PipelineModel::push(std::vector<PipelineItem> items, const QString& text, const QString& gesture) {
  undo_stack_.push(new Edit(*this, std::move(items), text, gesture));
}

void PipelineModel::become(const std::vector<PipelineItem>& items) {
  const auto before = ids_of(items_);
  const auto after = ids_of(items);
  const auto first_difference = static_cast<int>(std::ranges::mismatch(before, after).in1 - before.begin());
  if (before == after) {
    for (int row = 0; row < rowCount(); ++row) {
      const auto at = static_cast<std::size_t>(row);
      if (items_[at] != items[at]) {
        items_[at] = items[at];
        Q_EMIT dataChanged(index(row), index(row));
      }
    }
  } else if (after.size() > before.size()) {
    const int count = static_cast<int>(after.size() - before.size());
    if (std::equal(before.begin() + first_difference, before.end(),
                   after.begin() + first_difference + count)) {
      beginInsertRows({}, first_difference, first_difference + count - 1);
      items_ = items;
      endInsertRows();
    } else {
      beginResetModel();
      items_ = items;
      endResetModel();
    }
  } else if (after.size() < before.size()) {
    const int count = static_cast<int>(before.size() - after.size());
    if (std::equal(after.begin() + first_difference, after.end(),
                   before.begin() + first_difference + count)) {
      beginRemoveRows({}, first_difference, first_difference + count - 1);
      items_ = items;
      endRemoveRows();
    } else {
      beginResetModel();
      items_ = items;
      endResetModel();
    }
  } else {
    // One row may have moved: down if the next one is now here, else up.
    int from = first_difference;
    int to =
        static_cast<int>(std::ranges::find(after, before[static_cast<std::size_t>(from)]) - after.begin());
    auto moved = before;
    if (to < static_cast<int>(after.size())) {
      std::rotate(moved.begin() + from, moved.begin() + from + 1, moved.begin() + to + 1);
    }
    if (moved != after) {
      to = first_difference;
      from =
          static_cast<int>(std::ranges::find(before, after[static_cast<std::size_t>(to)]) - before.begin());
      moved = before;
      if (from < static_cast<int>(before.size())) {
        std::rotate(moved.begin() + to, moved.begin() + from, moved.begin() + from + 1);
      }
    }
    if (moved == after && beginMoveRows({}, from, from, {}, to > from ? to + 1 : to)) {
      items_ = items;
      endMoveRows();
    } else {
      beginResetModel();
      items_ = items;
      endResetModel();
    }
  }
  Q_EMIT changed();
}

int PipelineModel::add(const std::string& name, int row) {
  const int at = row < 0 ? rowCount() : std::min(row, rowCount());
  std::vector<PipelineItem> items = items_;
  items.insert(items.begin() + at, {next_id_++, {name, Json::object()}, true});
  push(std::move(items), tr("Add %1").arg(title_of(name)));
  return at;
}

void PipelineModel::remove(int row) {
  std::vector<PipelineItem> items = items_;
  items.erase(items.begin() + row);
  push(std::move(items), tr("Remove %1").arg(title_of(entry(row).info.name)));
}

void PipelineModel::move(int from, int to) {
  if (from == to || to < 0 || to >= rowCount()) {
    return;
  }
  std::vector<PipelineItem> items = items_;
  if (from < to) {
    std::rotate(items.begin() + from, items.begin() + from + 1, items.begin() + to + 1);
  } else {
    std::rotate(items.begin() + to, items.begin() + from, items.begin() + from + 1);
  }
  push(std::move(items), tr("Move %1").arg(title_of(entry(from).info.name)));
}

void PipelineModel::duplicate(int row) {
  std::vector<PipelineItem> items = items_;
  PipelineItem copy = items[static_cast<std::size_t>(row)];
  copy.id = next_id_++;
  items.insert(items.begin() + row + 1, copy);
  push(std::move(items), tr("Duplicate %1").arg(title_of(copy.step.name)));
}

void PipelineModel::set_enabled(int row, bool enabled) {
  if (items_[static_cast<std::size_t>(row)].enabled == enabled) {
    return;
  }
  std::vector<PipelineItem> items = items_;
  items[static_cast<std::size_t>(row)].enabled = enabled;
  const QString name = title_of(entry(row).info.name);
  push(std::move(items), enabled ? tr("Switch on %1").arg(name) : tr("Switch off %1").arg(name));
}

void PipelineModel::set_value(int row, const ParamInfo& param, const Json& value) {
  if (this->value(row, param) == value || !is_valid(entry(row), param, value)) {
    return;
  }
  std::vector<PipelineItem> items = items_;
  PipelineItem& item = items[static_cast<std::size_t>(row)];
  item.step.parameters[param.name] = value;
  const QString gesture =
      QStringLiteral("%1/%2/%3").arg(gesture_).arg(item.id).arg(QString::fromStdString(param.name));
  push(std::move(items), tr("Change %1 of %2").arg(title_of(param.name), title_of(item.step.name)), gesture);
}

void PipelineModel::reset_value(int row, const ParamInfo& param) {
  std::vector<PipelineItem> items = items_;
  PipelineItem& item = items[static_cast<std::size_t>(row)];
  if (item.step.parameters.erase(param.name) > 0) {
    push(std::move(items), tr("Reset %1 of %2").arg(title_of(param.name), title_of(entry(row).info.name)));
  }
}

void PipelineModel::reset_values(int row) {
  std::vector<PipelineItem> items = items_;
  PipelineItem& item = items[static_cast<std::size_t>(row)];
  if (!item.step.parameters.empty()) {
    item.step.parameters = Json::object();
    push(std::move(items), tr("Reset %1").arg(title_of(entry(row).info.name)));
  }
}

void PipelineModel::replace(const PipelineSteps& pipeline, const QString& what) {
  std::vector<PipelineItem> items;
  for (const PipelineStep& step : pipeline) {
    items.push_back({next_id_++, step, true});
  }
  push(std::move(items), what);
}

void PipelineModel::append(const PipelineSteps& pipeline, const QString& what) {
  std::vector<PipelineItem> items = items_;
  for (const PipelineStep& step : pipeline) {
    items.push_back({next_id_++, step, true});
  }
  push(std::move(items), what);
}

int PipelineModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(items_.size());
}

QVariant PipelineModel::data(const QModelIndex& index, int role) const {
  if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
    return {};
  }
  const PipelineItem& item = items_[static_cast<std::size_t>(index.row())];
  const CatalogEntry& entry = find_operator(item.step.name);
  const auto summary = [&] {
    QStringList parts;
    for (const ParamInfo& param : entry.params) {
      if (const auto given = item.step.parameters.find(param.name); given != item.step.parameters.end()) {
        parts << title_of(param.name) + " " + value_text(param, *given);
      }
    }
    return parts.join(QStringLiteral(", "));
  };
  switch (role) {
    case Qt::DisplayRole:
      return title_of(item.step.name);
    case Qt::ToolTipRole:
      return to_qstring(entry.info.doc);
    case Qt::AccessibleTextRole:
      return title_of(item.step.name) + ", " + summary();
    case Qt::CheckStateRole:
      return item.enabled ? Qt::Checked : Qt::Unchecked;
    case SummaryRole:
      return summary();
    case NameRole:
      return QString::fromStdString(item.step.name);
    case EnabledRole:
      return item.enabled;
    default:
      return {};
  }
}

bool PipelineModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (role != Qt::CheckStateRole || !checkIndex(index, CheckIndexOption::IndexIsValid)) {
    return false;
  }
  set_enabled(index.row(), value.toInt() == Qt::Checked);
  return true;
}

Qt::ItemFlags PipelineModel::flags(const QModelIndex& index) const {
  return index.isValid()
             ? Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsDragEnabled | Qt::ItemIsUserCheckable
             : Qt::ItemIsDropEnabled;
}

Qt::DropActions PipelineModel::supportedDropActions() const { return Qt::MoveAction | Qt::CopyAction; }
QStringList PipelineModel::mimeTypes() const { return {row_type, operator_type}; }

QMimeData* PipelineModel::mimeData(const QModelIndexList& indexes) const {
  auto* data = new QMimeData;
  if (!indexes.isEmpty()) {
    QByteArray row;
    QDataStream(&row, QIODevice::WriteOnly) << indexes.first().row();
    data->setData(row_type, row);
  }
  return data;
}

bool PipelineModel::dropMimeData(const QMimeData* data, Qt::DropAction /*action*/, int row, int /*column*/,
                                 const QModelIndex& parent) {
  const int at = row >= 0 ? row : parent.isValid() ? parent.row() : rowCount();
  if (data->hasFormat(operator_type)) {
    add(data->data(operator_type).toStdString(), at);
  } else if (data->hasFormat(row_type)) {
    int from = 0;
    QDataStream(data->data(row_type)) >> from;
    move(from, at > from ? at - 1 : at);
  }
  return false;  // moved already: the view must not remove anything
}

}  // namespace tessera::desktop
