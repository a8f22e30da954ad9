// SPDX-License-Identifier: Apache-2.0
// What results are written as.
#pragma once

#include <QWidget>

#include "schema/param.hpp"

class QComboBox;
class QLabel;
class QSpinBox;

namespace tessera::desktop {

class OutputForm : public QWidget {
  Q_OBJECT

 public:
  explicit OutputForm(QWidget* parent = nullptr);
  /// As the service's "output".
  [[nodiscard]] Json output() const;
  /// Remembers the choice for the next start.
  void save() const;

 private:
  void update_quality();
  /// Whether a result may be in a format that has a quality.
  [[nodiscard]] bool may_be_lossy() const;

  QComboBox* format_;
  QLabel* quality_label_;
  QSpinBox* quality_;
  QComboBox* metadata_;
};

}  // namespace tessera::desktop
