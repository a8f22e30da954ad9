// SPDX-License-Identifier: Apache-2.0
// Streaming zip archives.
#pragma once

#include <vector>

#include "ports/job.hpp"
#include "ports/object_store.hpp"

namespace tessera::service {

/// Writes the results of all completed jobs, uncompressed (image formats are compressed already), under their
/// portable file names, with "name (2).png" for duplicates; and, if jobs have no result, "failures.txt" with
/// the reasons. Only a piece of a result is in memory at a time. Throws Error.
void write_results_zip(const std::vector<Job>& jobs, ObjectStore& objects, ByteSink& out);

}  // namespace tessera::service
