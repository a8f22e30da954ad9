// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"
#include "ops/threshold/adaptive_gaussian.hpp"
#include "ops/threshold/adaptive_mean.hpp"
#include "ops/threshold/fixed_threshold.hpp"
#include "ops/threshold/gaussian_otsu.hpp"
#include "ops/threshold/otsu.hpp"
#include "ops/threshold/triangle.hpp"

namespace tessera {

void add_threshold(Catalog& catalog) {
  add_operators<FixedThreshold, Otsu, Triangle, AdaptiveMean, AdaptiveGaussian, GaussianOtsu>(catalog);
}

}  // namespace tessera
