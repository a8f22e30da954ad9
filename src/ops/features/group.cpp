// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/features/find_border.hpp"
#include "ops/features/harris.hpp"
#include "ops/features/hough_lines.hpp"

namespace tessera {

void add_features(Catalog& catalog) { add_operators<HoughLines, Harris, FindBorder>(catalog); }

}  // namespace tessera
