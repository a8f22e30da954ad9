// SPDX-License-Identifier: Apache-2.0
// What was done, for people and for programs.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "outputs.hpp"
#include "process/process.hpp"

namespace tessera::cli {

/// One image's way through the pipeline, as the root rank knows it.
struct ImageReport {
  WorkItem item;
  ProcessReport done;
  std::optional<Error> failure;
};

/// A line, and one for each finding and warning; the last without a line break.
[[nodiscard]] std::string short_report(const ImageReport& report);
/// The same with stages and ranks.
[[nodiscard]] std::string detailed_report(const ImageReport& report);
[[nodiscard]] Json json_report(const ImageReport& report);
/// {"input": ..., "findings": [{"operator", "columns", "count", "rows"}]}
[[nodiscard]] Json image_findings_json(const ImageReport& report);
/// JSON as text; file names that are not UTF-8 lose their strange bytes.
[[nodiscard]] std::string dump(const Json& json);

}  // namespace tessera::cli
