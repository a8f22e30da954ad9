#include "ops/catalog.hpp"

namespace tessera {

void add_regions(Catalog&) {}

}  // namespace tessera
