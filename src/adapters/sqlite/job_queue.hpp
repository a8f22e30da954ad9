// The durable line of jobs in one SQLite file, for any number of threads and processes of one machine.
#pragma once

#include <filesystem>
#include <memory>

#include "ports/job_queue.hpp"

namespace tessera {

/// Opens or makes the file, and a file beside it (name + "-takers") whose locks tell which takers live:
/// messages of one that died come back within about a second. A waiting take sees what this object publishes
/// at once, and what others publish within 50 ms. Throws Error(io, unavailable).
[[nodiscard]] std::unique_ptr<JobQueue> open_sqlite_job_queue(const std::filesystem::path& path,
                                                              const QueueOptions& options);

}  // namespace tessera
