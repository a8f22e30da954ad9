// What operators found in a picture: lines, corners, the number of regions.
#pragma once

#include <QAbstractTableModel>
#include <QString>
#include <vector>

#include "engine/run.hpp"
#include "schema/param.hpp"

namespace tessera::desktop {

/// One operator's list, of any number of rows.
struct FindingsList {
  QString operator_name;
  std::vector<QString> columns;
  std::vector<double> values;  ///< row-major
  [[nodiscard]] int rows() const {
    return columns.empty() ? 0 : static_cast<int>(values.size() / columns.size());
  }
  bool operator==(const FindingsList&) const = default;
};
using FindingsLists = std::vector<FindingsList>;
/// Of all lists.
[[nodiscard]] int count_rows(const FindingsLists& lists);

[[nodiscard]] FindingsLists findings_from(const std::vector<Findings>& findings);
/// As the service and `tessera apply --findings` write them: [{"operator", "columns", "count", "rows"}].
/// What is not of that form is left out.
[[nodiscard]] FindingsLists findings_from(const Json& json);
[[nodiscard]] Json findings_json(const FindingsLists& lists);
/// RFC 4180, with a heading; numbers as short as they can be without losing anything.
[[nodiscard]] QByteArray findings_csv(const FindingsList& list);

class FindingsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  using QAbstractTableModel::QAbstractTableModel;
  void set_list(FindingsList list);
  [[nodiscard]] const FindingsList& list() const { return list_; }

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                    int role = Qt::DisplayRole) const override;

 private:
  FindingsList list_;
};

}  // namespace tessera::desktop
