#include "ops/catalog.hpp"

namespace tessera {

void add_edges(Catalog&) {}

}  // namespace tessera
