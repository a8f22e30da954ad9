// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/colour/auto_levels.hpp"
#include "ops/colour/brightness_contrast.hpp"
#include "ops/colour/clahe.hpp"
#include "ops/colour/equalize.hpp"
#include "ops/colour/gamma.hpp"
#include "ops/colour/grayscale.hpp"
#include "ops/colour/hue.hpp"
#include "ops/colour/invert.hpp"
#include "ops/colour/saturate.hpp"
#include "ops/colour/sepia.hpp"
#include "ops/colour/to_rgb.hpp"
#include "ops/colour/white_balance.hpp"

namespace tessera {

void add_colour(Catalog& catalog) {
  add_operators<Invert, Grayscale, ToRgb, BrightnessContrast, Gamma, AutoLevels, Equalize, Clahe,
                WhiteBalance, Saturate, Hue, Sepia>(catalog);
}

}  // namespace tessera
