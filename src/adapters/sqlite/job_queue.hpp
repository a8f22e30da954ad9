// SPDX-License-Identifier: Apache-2.0
// The job queue in one SQLite file, for any number of threads and processes of one machine.
#pragma once

#include <filesystem>
#include <memory>

#include "ports/job_queue.hpp"

namespace tessera {

/// Opens or creates the file, and a lock file beside it (name + "-takers") that shows which consumers are
/// alive: messages of a dead one are requeued within about a second. A waiting receive() sees messages
/// published by this process at once, and those of other processes within 50 ms. Throws Error(io,
/// unavailable).
[[nodiscard]] std::unique_ptr<JobQueue> open_sqlite_job_queue(const std::filesystem::path& path,
                                                              const QueueOptions& options);

}  // namespace tessera
