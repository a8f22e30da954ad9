#include "ops/catalog.hpp"
#include "ops/colour/grayscale.hpp"
#include "ops/colour/invert.hpp"

namespace tessera {

void add_colour(Catalog& catalog) { add_operators<Invert, Grayscale>(catalog); }

}  // namespace tessera
