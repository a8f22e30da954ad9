// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/composition/watermark.hpp"

namespace tessera {

void add_composition(Catalog& catalog) { add_operators<Watermark>(catalog); }

}  // namespace tessera
