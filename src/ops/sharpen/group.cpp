// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/sharpen/sharpen.hpp"
#include "ops/sharpen/unsharp_mask.hpp"

namespace tessera {

void add_sharpen(Catalog& catalog) { add_operators<Sharpen, UnsharpMask>(catalog); }

}  // namespace tessera
