// SPDX-License-Identifier: Apache-2.0
// The sweep on real MPI ranks: mpirun -n N mpi_sweep. Prints what differs and exits with 1.
#include <fmt/format.h>

#include <cstdio>

#include "comm/mpi.hpp"
#include "support/sweep.hpp"

int main() {
  using namespace tessera::testing;
  const auto comm = tessera::make_mpi();
  std::mt19937 random(77);
  int failures = 0;
  int cases = 0;
  const auto check = [&](const SweepCase& sweep) {
    const std::string failure = check_case(sweep, *comm, random_cut(random));
    ++cases;
    if (!failure.empty()) {
      ++failures;
      fmt::print(stderr, "{}\n", failure);
    }
  };
  for (const tessera::CatalogEntry& entry : tessera::catalog()) {
    for (int i = 0; i < 6; ++i) {
      check(operator_case(std::string(entry.info.name), random));
    }
  }
  for (int i = 0; i < 60; ++i) {
    check(pipeline_case(random));
  }
  if (comm->root()) {
    fmt::print("{} ranks: {} passed, {} failed\n", comm->size(), cases - failures, failures);
  }
  return failures == 0 ? 0 : 1;
}
