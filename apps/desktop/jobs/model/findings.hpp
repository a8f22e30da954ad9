// SPDX-License-Identifier: Apache-2.0
// What operators found in a picture: lines, corners, the number of regions.
#pragma once

#include <QAbstractTableModel>
#include <vector>

#include "engine/findings.hpp"

namespace tessera::desktop {

/// Of all lists.
[[nodiscard]] std::int64_t count_rows(const std::vector<Findings>& lists);
/// RFC 4180, with a heading; numbers as short as they can be without losing anything.
[[nodiscard]] QByteArray findings_csv(const Findings& list);

class FindingsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  using QAbstractTableModel::QAbstractTableModel;
  void set_list(Findings list);
  [[nodiscard]] const Findings& list() const { return list_; }

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                    int role = Qt::DisplayRole) const override;

 private:
  Findings list_;
};

}  // namespace tessera::desktop
