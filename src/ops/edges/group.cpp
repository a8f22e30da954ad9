#include "ops/catalog.hpp"
#include "ops/edges/laplacian.hpp"
#include "ops/edges/prewitt.hpp"
#include "ops/edges/roberts.hpp"
#include "ops/edges/sobel.hpp"

namespace tessera {

void add_edges(Catalog& catalog) {
  add_operators<Sobel>(catalog);
  add_operators<Prewitt>(catalog);
  add_operators<Roberts>(catalog);
  add_operators<Laplacian>(catalog);
}

}  // namespace tessera
