#include "ops/blur/gaussian_blur.hpp"
#include "ops/catalog.hpp"

namespace tessera {

void add_blur(Catalog& catalog) { add_operators<GaussianBlur>(catalog); }

}  // namespace tessera
