// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/regions/label.hpp"

namespace tessera {

void add_regions(Catalog& catalog) { add_operators<Label>(catalog); }

}  // namespace tessera
