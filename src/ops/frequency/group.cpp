// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/frequency/butterworth.hpp"

namespace tessera {

void add_frequency(Catalog& catalog) { add_operators<ButterworthLowPass, ButterworthHighPass>(catalog); }

}  // namespace tessera
