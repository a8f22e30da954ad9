// SPDX-License-Identifier: Apache-2.0
// Chooses where images are processed, among the places that there are.
#pragma once

#include <QComboBox>

namespace tessera::desktop {

class Backends;

class PlaceChoice : public QComboBox {
  Q_OBJECT

 public:
  /// `places` must live as long.
  explicit PlaceChoice(Backends& places, QWidget* parent = nullptr);

 Q_SIGNALS:
  /// Another server is wanted.
  void server_wanted();

 private:
  void fill();
  void take_choice(int index);

  Backends& places_;
};

}  // namespace tessera::desktop
