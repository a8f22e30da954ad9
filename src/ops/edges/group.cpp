// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/edges/canny.hpp"
#include "ops/edges/laplacian.hpp"
#include "ops/edges/prewitt.hpp"
#include "ops/edges/roberts.hpp"
#include "ops/edges/sobel.hpp"

namespace tessera {

void add_edges(Catalog& catalog) { add_operators<Sobel, Prewitt, Roberts, Laplacian, Canny>(catalog); }

}  // namespace tessera
