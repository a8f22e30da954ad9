// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/bilateral.hpp"
#include "ops/blur/box_blur.hpp"
#include "ops/blur/gaussian_blur.hpp"
#include "ops/blur/median.hpp"
#include "ops/blur/motion_blur.hpp"
#include "ops/blur/non_local_means.hpp"
#include "ops/catalog.hpp"

namespace tessera {

void add_blur(Catalog& catalog) {
  add_operators<BoxBlur, GaussianBlur, Median, Bilateral, NonLocalMeans, MotionBlur>(catalog);
}

}  // namespace tessera
