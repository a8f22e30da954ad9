// A zip archive written while it is sent.
#pragma once

#include <vector>

#include "ports/job.hpp"
#include "ports/object_store.hpp"

namespace tessera::service {

/// Writes the results of all jobs that are done, stored without compression (images have theirs) under their
/// file names, made safe for all systems, "name (2).png" where two are the same but for capitals; and, if
/// there are jobs that have none or whose result is gone, "failures.txt" that says why. No more than a piece
/// of a result is in memory. Throws Error.
void write_results_zip(const std::vector<Job>& jobs, ObjectStore& objects, ByteSink& out);

}  // namespace tessera::service
