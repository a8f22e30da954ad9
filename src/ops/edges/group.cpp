#include "ops/catalog.hpp"
#include "ops/edges/canny.hpp"

namespace tessera {

void add_edges(Catalog& catalog) { add_operators<Canny>(catalog); }

}  // namespace tessera
