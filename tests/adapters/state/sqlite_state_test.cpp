// SPDX-License-Identifier: Apache-2.0
// What only a file can do to a state store.
#include <gtest/gtest.h>

#include <future>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/state_queries.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/state/state_server.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

TEST(SqliteState, IsCreatedOnceByConcurrentUsers) {
  for (int round = 0; round < 30; ++round) {
    const auto server = testing::sqlite_state_kind().make();
    std::vector<std::future<void>> openings;
    for (int i = 0; i < 8; ++i) {
      openings.push_back(std::async(std::launch::async, [&] { server->open().jobs->check(); }));
    }
    for (auto& opening : openings) {
      EXPECT_NO_THROW(opening.get());
    }
  }
}

/// How SQLite finds what the statement asks for.
std::string plan_of(SqliteDatabase& database, const std::string& statement) {
  SqliteStatement row(database, "EXPLAIN QUERY PLAN " + statement);
  std::string plan;
  while (row.step()) {
    plan += row.text(3) + "\n";
  }
  return plan;
}

TEST(SqliteState, ReadsOnlyTheReturnedJobs) {
  const testing::ServerFolder folder;
  const auto path = folder.path() / "state.db";
  StateStore store = open_sqlite_state_store(path, {});
  SqliteDatabase database(path);
  const auto expect_index = [&](const std::string& statement, const std::string& index) {
    const std::string plan = plan_of(database, statement);
    EXPECT_NE(plan.find(index), std::string::npos) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("SCAN"), std::string::npos) << statement << "\n" << plan;
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << statement << "\n" << plan;
  };
  using namespace sqlite_state;
  const JobState failed = JobState::failed;
  expect_index(list_statement({{}, {}, failed}, false), "state_jobs_by_state (state=?)");
  expect_index(list_statement({{}, {}, failed}, true), "state_jobs_by_state (state=? AND id<?)");
  expect_index(list_statement({"ann", {}, {}}, true), "state_jobs_of_owner (owner=? AND id<?)");
  expect_index(list_statement({"ann", {}, failed}, true), "state_jobs_of_owner_by_state");
  expect_index(list_statement({{}, "batch", {}}, true), "state_jobs_of_batch");
  expect_index(unchanged_statement, "state_jobs_in_state (state=? AND updated_ms<?)");
  expect_index(unpublished_statement, "state_jobs_unpublished (updated_ms<?)");
  expect_index(count_statement, "(state=?)");
}

}  // namespace
}  // namespace tessera
