// SPDX-License-Identifier: Apache-2.0
// All operators by category, with a search: the popup behind "Add operation".
#pragma once

#include <QFrame>
#include <QSortFilterProxyModel>
#include <string>

class QLabel;
class QLineEdit;
class QStandardItemModel;
class QTreeView;

namespace tessera::desktop {

/// The catalogue as a tree: groups, and the operators in them with their name (Qt::UserRole).
[[nodiscard]] QStandardItemModel* make_operator_tree(QObject* parent);

/// Keeps operators whose name, group or description has every word of the filter.
class OperatorFilter : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  using QSortFilterProxyModel::QSortFilterProxyModel;
  void set_words(const QString& text);

 protected:
  [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  QStringList words_;
};

class OperatorBrowser : public QFrame {
  Q_OBJECT

 public:
  explicit OperatorBrowser(QWidget* parent = nullptr);
  /// Below (or above, where there is no room) the widget, as wide.
  void pop_up(const QWidget* below);

 Q_SIGNALS:
  void chosen(const std::string& name);

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;
  void hideEvent(QHideEvent* event) override;

 private:
  void filter(const QString& text);
  void choose(const QModelIndex& index);
  void select_first();
  void step(int by);
  void describe(const QModelIndex& index);

  QLineEdit* search_;
  QTreeView* tree_;
  QLabel* description_;
  OperatorFilter* filter_;
};

}  // namespace tessera::desktop
