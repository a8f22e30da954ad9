// SPDX-License-Identifier: Apache-2.0
// Where a result differs from its original, as a heat map.
#pragma once

#include <QString>
#include <QWidget>

class QLabel;

namespace tessera::desktop {

class CompareView;
struct DifferenceMap;
class CancellableTask;

class DifferencePage : public QWidget {
  Q_OBJECT

 public:
  /// `work` computes the map, and must live as long.
  explicit DifferencePage(CancellableTask& work, QWidget* parent = nullptr);

  /// The map is computed when the page is looked at, once for each pair of files. Without an original there
  /// is nothing to compare with, which is said.
  void set_files(const QString& before, const QString& after);
  /// Another job is shown, whose result is not there yet.
  void clear();

 protected:
  void showEvent(QShowEvent* event) override;

 private:
  void compare();
  void show_map(const DifferenceMap& map);
  void say(const QString& why_there_is_no_map);

  CancellableTask& work_;
  CompareView* view_;
  QLabel* note_;
  QWidget* scale_;
  QString before_;
  QString after_;
  bool wanted_ = false;  ///< there are files whose map was not asked for yet
};

}  // namespace tessera::desktop
