#include "ops/catalog.hpp"

namespace tessera {

void add_frequency(Catalog&) {}

}  // namespace tessera
