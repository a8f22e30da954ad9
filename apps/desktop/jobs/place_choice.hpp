// Chooses where images are processed, among the places that there are.
#pragma once

#include <QComboBox>

namespace tessera::desktop {

class JobPlaces;

class PlaceChoice : public QComboBox {
  Q_OBJECT

 public:
  /// `places` must live as long.
  explicit PlaceChoice(JobPlaces& places, QWidget* parent = nullptr);

 Q_SIGNALS:
  /// Another server is wanted.
  void server_wanted();

 private:
  void fill();
  void take_choice(int index);

  JobPlaces& places_;
};

}  // namespace tessera::desktop
