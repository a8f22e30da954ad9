// SPDX-License-Identifier: Apache-2.0
// The property that everything rests on: the bytes do not depend on the cut.
#pragma once

#include "support/memory_io.hpp"

namespace tessera::testing {

/// One random case: an image, a pipeline, and what the slow reference makes of it.
struct SweepCase {
  std::string description;
  std::vector<Operator> pipeline;
  Tile image;
  Outcome expected;
};

/// A case for one operator of the catalogue.
SweepCase operator_case(const std::string& name, std::mt19937& random);
/// A case for 2..6 operators drawn from the whole catalogue.
SweepCase pipeline_case(std::mt19937& random);

Cut random_cut(std::mt19937& random);

/// Empty if the engine on this communicator gave exactly what is expected (checked on the root), else what
/// differs.
std::string check_case(const SweepCase& sweep, Communicator& comm, Cut cut);
std::string check_case(const SweepCase& sweep, int ranks, Cut cut);

}  // namespace tessera::testing
