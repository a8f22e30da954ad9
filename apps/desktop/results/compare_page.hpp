// SPDX-License-Identifier: Apache-2.0
// A job's picture before and after, with the ways to look at them.
#pragma once

#include <QWidget>

#include "view/picture.hpp"

class QLabel;

namespace tessera::desktop {

class CompareView;

class ComparePage : public QWidget {
  Q_OBJECT

 public:
  explicit ComparePage(QWidget* parent = nullptr);

  /// Neither picture is known yet.
  void clear();
  void set_before(const Picture& before);
  void set_after(const Picture& after);
  /// What there is to say of the result: that it is being fetched, or shown smaller than it is.
  void set_note(const QString& text);

 private:
  CompareView* view_;
  QLabel* note_;
};

}  // namespace tessera::desktop
