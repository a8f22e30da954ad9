// SPDX-License-Identifier: Apache-2.0
// What a Pipeline of the library holds.
#pragma once

#include "plan/pipeline.hpp"
#include "tessera/pipeline.hpp"

namespace tessera {

struct Pipeline::Steps {
  PipelineSteps steps;
};

}  // namespace tessera
