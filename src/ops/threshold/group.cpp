#include "ops/catalog.hpp"
#include "ops/threshold/otsu.hpp"

namespace tessera {

void add_threshold(Catalog& catalog) { add_operators<Otsu>(catalog); }

}  // namespace tessera
