// SPDX-License-Identifier: Apache-2.0
// The program's own icons: drawn in the colour of text, so that they suit light and dark, at any density.
#pragma once

#include <QIcon>
#include <QString>

namespace tessera::desktop {

enum class Icon {
  add,
  add_images,
  add_folder,
  remove,
  clear,
  up,
  down,
  undo,
  redo,
  reset,
  copy,
  paste,
  preset,
  search,
  slider_view,
  side_by_side,
  single,
  zoom_fit,
  zoom_in,
  zoom_out,
  help,
  play,
  menu,
  warning,
  image,
  folder
};

/// Follows the application's palette, also when that changes later.
[[nodiscard]] QIcon icon(Icon icon);
/// The mosaic of the program itself.
[[nodiscard]] QIcon application_icon();

}  // namespace tessera::desktop
