// SPDX-License-Identifier: Apache-2.0
#include "jobs/place_choice.hpp"

#include "jobs/model/backends.hpp"

namespace tessera::desktop {
namespace {

enum PlaceItem { item_this_computer, item_server, item_edit };

}  // namespace

PlaceChoice::PlaceChoice(Backends& places, QWidget* parent) : QComboBox(parent), places_(places) {
  setAccessibleName(tr("Where images are processed"));
  setSizeAdjustPolicy(QComboBox::AdjustToContents);
  connect(this, &QComboBox::activated, this, &PlaceChoice::take_choice);
  connect(&places_, &Backends::places_changed, this, &PlaceChoice::fill);
  fill();
}

void PlaceChoice::fill() {
  clear();
  addItem(tr("This computer"), item_this_computer);
  if (places_.has_server()) {
    addItem(Backends::server_name(), item_server);
  }
  insertSeparator(count());
  addItem(places_.has_server() ? tr("Change the server…") : tr("Set up a server…"), item_edit);
  setCurrentIndex(findData(places_.chosen() == JobPlace::server ? item_server : item_this_computer));
}

void PlaceChoice::take_choice(int index) {
  const int item = itemData(index).toInt();
  if (item == item_edit) {
    // It is no place to be: until the user has named another server, the one before is chosen.
    fill();
    Q_EMIT server_wanted();
    return;
  }
  places_.choose(item == item_server ? JobPlace::server : JobPlace::this_computer);
}

}  // namespace tessera::desktop
