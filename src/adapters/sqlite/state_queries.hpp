// SPDX-License-Identifier: Apache-2.0
// Statements that must use indexes. Private to the adapter, and for the test of their query plans.
#pragma once

#include <string>

#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

/// Statement of JobStore::list(). Its parameters are those present in the filter: owner, batch, state,
/// `after`; then the limit. Absent conditions are left out, because "? = '' OR owner = ?" would keep SQLite
/// from using any index.
[[nodiscard]] inline std::string list_statement(const JobFilter& filter, bool has_after) {
  std::string conditions;
  const auto add = [&](bool wanted, const char* condition) {
    if (wanted) {
      conditions += conditions.empty() ? " WHERE " : " AND ";
      conditions += condition;
    }
  };
  add(!filter.owner.empty(), "owner=?");
  add(!filter.batch_id.empty(), "batch_id=?");
  add(filter.state.has_value(), "state=?");
  add(has_after, "id<?");
  return "SELECT id, record FROM state_jobs" + conditions + " ORDER BY id DESC";
}

/// Jobs of one state, longest unchanged first; parameters: state, time.
inline constexpr const char* unchanged_statement =
    "SELECT id, record FROM state_jobs WHERE state=? AND updated_ms<? ORDER BY updated_ms";
/// Parameters: time.
inline constexpr const char* unpublished_statement =
    "SELECT id, record FROM state_jobs WHERE published=0 AND updated_ms<? ORDER BY updated_ms";
/// Parameters: state.
inline constexpr const char* count_statement = "SELECT COUNT(*) FROM state_jobs WHERE state=?";

}  // namespace tessera::sqlite_state
