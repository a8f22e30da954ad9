#include "jobs/findings.hpp"

#include <fmt/format.h>

#include <QLocale>

namespace tessera::desktop {

int count_rows(const FindingsLists& lists) {
  int rows = 0;
  for (const FindingsList& list : lists) {
    rows += list.rows();
  }
  return rows;
}

FindingsLists findings_from(const std::vector<Findings>& findings) {
  FindingsLists lists;
  for (const Findings& one : findings) {
    FindingsList list{QString::fromStdString(one.operator_name), {}, one.values};
    for (const std::string& column : one.columns) {
      list.columns.push_back(QString::fromStdString(column));
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

FindingsLists findings_from(const Json& json) {
  FindingsLists lists;
  if (!json.is_array()) {
    return lists;
  }
  for (const Json& one : json) {
    if (!one.is_object() || !one.contains("columns") || !one["columns"].is_array()) {
      continue;
    }
    FindingsList list{QString::fromStdString(one.value("operator", "")), {}, {}};
    for (const Json& column : one["columns"]) {
      list.columns.push_back(column.is_string() ? QString::fromStdString(column.get<std::string>())
                                                : QString());
    }
    for (const Json& row : one.value("rows", Json::array())) {
      if (!row.is_array() || row.size() != list.columns.size()) {
        continue;
      }
      for (const Json& value : row) {
        list.values.push_back(value.is_number() ? value.get<double>() : 0);
      }
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

Json findings_json(const FindingsLists& lists) {
  Json json = Json::array();
  for (const FindingsList& list : lists) {
    Json columns = Json::array();
    for (const QString& column : list.columns) {
      columns.push_back(column.toStdString());
    }
    Json rows = Json::array();
    const auto width = static_cast<std::ptrdiff_t>(list.columns.size());
    for (std::ptrdiff_t row = 0; row < list.rows(); ++row) {
      const auto begin = list.values.begin() + row * width;
      rows.push_back(std::vector<double>(begin, begin + width));
    }
    json.push_back({{"operator", list.operator_name.toStdString()},
                    {"columns", std::move(columns)},
                    {"count", list.rows()},
                    {"rows", std::move(rows)}});
  }
  return json;
}

QByteArray findings_csv(const FindingsList& list) {
  const auto quoted = [](QString text) {
    if (text.contains('"') || text.contains(',') || text.contains('\n') || text.contains('\r')) {
      text = '"' + text.replace("\"", "\"\"") + '"';
    }
    return text.toUtf8();
  };
  QByteArray csv;
  for (std::size_t column = 0; column < list.columns.size(); ++column) {
    csv += (column > 0 ? "," : "") + quoted(list.columns[column]);
  }
  csv += "\r\n";
  const std::size_t width = list.columns.size();
  for (std::size_t i = 0; i < width * static_cast<std::size_t>(list.rows()); ++i) {
    csv += fmt::format("{}", list.values[i]);
    csv += i % width + 1 == width ? "\r\n" : ",";
  }
  return csv;
}

void FindingsModel::set_list(FindingsList list) {
  beginResetModel();
  list_ = std::move(list);
  endResetModel();
}

int FindingsModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : list_.rows(); }

int FindingsModel::columnCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(list_.columns.size());
}

QVariant FindingsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) {
    return {};
  }
  if (role == Qt::TextAlignmentRole) {
    return QVariant(Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role == Qt::DisplayRole) {
    const double value = list_.values.at(static_cast<std::size_t>(index.row()) * list_.columns.size() +
                                         static_cast<std::size_t>(index.column()));
    return QLocale().toString(value, 'g', 6);
  }
  return {};
}

QVariant FindingsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole) {
    return {};
  }
  if (orientation == Qt::Vertical) {
    return section + 1;
  }
  QString name = list_.columns.at(static_cast<std::size_t>(section));
  return name.replace('_', ' ');
}

}  // namespace tessera::desktop
