// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/morphology/erode_dilate.hpp"
#include "ops/morphology/residues.hpp"

namespace tessera {

void add_morphology(Catalog& catalog) {
  add_operators<Erode, Dilate, Open, Close, MorphologicalGradient, TopHat, BlackHat>(catalog);
}

}  // namespace tessera
