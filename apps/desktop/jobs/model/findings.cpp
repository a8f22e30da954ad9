// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/findings.hpp"

#include <fmt/format.h>

#include <QLocale>

namespace tessera::desktop {

std::int64_t count_rows(const std::vector<Findings>& lists) {
  std::int64_t rows = 0;
  for (const Findings& list : lists) {
    rows += list.rows();
  }
  return rows;
}

QByteArray findings_csv(const Findings& list) {
  const auto quoted = [](QString text) {
    if (text.contains('"') || text.contains(',') || text.contains('\n') || text.contains('\r')) {
      text = '"' + text.replace("\"", "\"\"") + '"';
    }
    return text.toUtf8();
  };
  QByteArray csv;
  for (std::size_t column = 0; column < list.columns.size(); ++column) {
    csv += (column > 0 ? "," : "") + quoted(QString::fromStdString(list.columns[column]));
  }
  csv += "\r\n";
  const std::size_t width = list.columns.size();
  for (std::size_t i = 0; i < width * static_cast<std::size_t>(list.rows()); ++i) {
    csv += fmt::format("{}", list.values[i]);
    csv += i % width + 1 == width ? "\r\n" : ",";
  }
  return csv;
}

void FindingsModel::set_list(Findings list) {
  beginResetModel();
  list_ = std::move(list);
  endResetModel();
}

int FindingsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(list_.rows());
}

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
  QString name = QString::fromStdString(list_.columns.at(static_cast<std::size_t>(section)));
  return name.replace('_', ' ');
}

}  // namespace tessera::desktop
