// SPDX-License-Identifier: Apache-2.0
// What is told about a run when it is over.
#pragma once

#include "engine/run.hpp"

namespace tessera {

/// "gaussian-blur + otsu"
[[nodiscard]] std::string stage_name(const Stage& stage);
/// Every rank's report, with its location, on the root; nothing on the others. Collective.
[[nodiscard]] std::vector<RankReport> gather_rank_reports(Communicator& comm, const RankReport& mine);

}  // namespace tessera
