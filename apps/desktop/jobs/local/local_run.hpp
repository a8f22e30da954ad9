// SPDX-License-Identifier: Apache-2.0
// One image processed by the engine in this process.
#pragma once

#include <QString>
#include <QStringList>
#include <filesystem>
#include <functional>
#include <stop_token>

#include "jobs/model/findings.hpp"
#include "jobs/model/submission.hpp"

namespace tessera::desktop {

struct LocalResult {
  std::filesystem::path file;
  std::int64_t bytes = 0;
  std::int64_t width_px = 0;
  std::int64_t height_px = 0;
  std::vector<Findings> findings;
  QStringList warnings;  ///< sentences
};

/// What the result is called: as the service calls it.
[[nodiscard]] std::string local_result_name(const Submission& submission);

/// Writes the result into `folder`, which is made if need be: whole, or not at all. The bytes are those of
/// `tessera apply`. `progress` is called from any thread, one at a time. Throws Error.
[[nodiscard]] LocalResult run_locally(const Submission& submission, const std::filesystem::path& folder,
                                      int threads, const std::function<void(double fraction)>& progress,
                                      const std::stop_token& stop);

/// Writes findings as JSON, whole or not at all. Throws Error(io).
void write_findings(const std::filesystem::path& file, const std::vector<Findings>& lists);
/// What write_findings() wrote. Throws Error(io, damaged_input).
[[nodiscard]] std::vector<Findings> read_findings(const QString& file);

}  // namespace tessera::desktop
