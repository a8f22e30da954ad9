#include "ops/catalog.hpp"
#include "ops/regions/label.hpp"

namespace tessera {

void add_regions(Catalog& catalog) { add_operators<Label>(catalog); }

}  // namespace tessera
