// SPDX-License-Identifier: Apache-2.0
// One editor for each type of parameter, drawn from its declaration.
#pragma once

#include <QWidget>

#include "ops/catalog.hpp"

namespace tessera::desktop {

class ValueEditor : public QWidget {
  Q_OBJECT

 public:
  using QWidget::QWidget;
  /// Without a signal.
  virtual void set_value(const Json& value) = 0;

 Q_SIGNALS:
  void value_edited(const tessera::Json& value);
  /// A slider was let go, an entry finished: what follows is another edit.
  void edit_finished();
};

/// `names_image`: a text that is a file's name. The editor is named and described for assistive technology.
[[nodiscard]] ValueEditor* make_value_editor(const ParamInfo& param, bool names_image, QWidget* parent);

/// Position on a slider of `steps` for a value, and back. Where the range spans decades the slider is
/// logarithmic.
[[nodiscard]] int slider_position(const ParamInfo& param, double value, int steps);
[[nodiscard]] double slider_value(const ParamInfo& param, int position, int steps);

}  // namespace tessera::desktop
