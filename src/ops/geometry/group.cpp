// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/geometry/crop.hpp"
#include "ops/geometry/flip.hpp"
#include "ops/geometry/pad.hpp"
#include "ops/geometry/resize.hpp"
#include "ops/geometry/rotate.hpp"

namespace tessera {

void add_geometry(Catalog& catalog) { add_operators<Resize, Crop, Rotate, Flip, Pad>(catalog); }

}  // namespace tessera
