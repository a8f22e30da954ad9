// SPDX-License-Identifier: Apache-2.0
// How often each level occurs, before (outline) and after (filled).
#pragma once

#include <QWidget>

#include "preview/pictures.hpp"

namespace tessera::desktop {

class HistogramView : public QWidget {
  Q_OBJECT

 public:
  explicit HistogramView(QWidget* parent = nullptr);
  void set_histograms(const Histogram& before, const Histogram& after);
  [[nodiscard]] QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  Histogram before_;
  Histogram after_;
};

}  // namespace tessera::desktop
