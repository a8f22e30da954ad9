// SPDX-License-Identifier: Apache-2.0
// Which of the jobs are listed.
#pragma once

#include <QSortFilterProxyModel>

namespace tessera::desktop {

class JobFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  enum class Which { all, under_way, done, failed };
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void set_which(Which which);
  /// Part of a name or of the operators' text; any case.
  void set_words(const QString& words);
  [[nodiscard]] bool hides_nothing() const { return which_ == Which::all && words_.isEmpty(); }

 protected:
  [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  Which which_ = Which::all;
  QString words_;
};

}  // namespace tessera::desktop
