// SPDX-License-Identifier: Apache-2.0
// What operators found in a picture, as a table that can be saved.
#pragma once

#include <QWidget>

#include "jobs/model/findings.hpp"

class QComboBox;

namespace tessera::desktop {

class FindingsPage : public QWidget {
  Q_OBJECT

 public:
  explicit FindingsPage(QWidget* parent = nullptr);

  /// Of the picture of that name, which files of them are named after.
  void set_findings(std::vector<Findings> lists, const QString& picture_name);

 Q_SIGNALS:
  void status_message(const QString& text);

 private:
  void save();

  std::vector<Findings> lists_;
  QString picture_name_;
  QComboBox* choice_;
  FindingsModel* model_;
};

}  // namespace tessera::desktop
