// SPDX-License-Identifier: Apache-2.0
// What operators found, as JSON: in reports, in the records of jobs, in files.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "tessera/report.hpp"

namespace tessera {

/// [{"operator": "hough-lines", "columns": ["rho", "theta"], "count": 2, "rows": [[12.5, 0.3], [40, 1.2]]}]
[[nodiscard]] Json findings_json(const std::vector<Findings>& findings);
/// The other way. What is not of that form is left out.
[[nodiscard]] std::vector<Findings> findings_from_json(const Json& json);

}  // namespace tessera
