// SPDX-License-Identifier: Apache-2.0
// The state store in one SQLite file, for any number of threads and processes of one machine.
#pragma once

#include <filesystem>

#include "ports/job_store.hpp"

namespace tessera {

/// Opens or creates the file. Each of the five parts has its own connection. A waiting reader of events sees
/// events of this process at once, and those of other processes within 25 ms. Throws Error(io, unavailable).
[[nodiscard]] StateStore open_sqlite_state_store(const std::filesystem::path& path,
                                                 const StateOptions& options);

}  // namespace tessera
