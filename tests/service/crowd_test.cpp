// SPDX-License-Identifier: Apache-2.0
// A thousand clients wait at one notifier.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/open.hpp"
#include "servers/redis_server.hpp"
#include "servers/sse_crowd.hpp"
#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

constexpr int clients = 1000;

std::vector<std::string> types(const std::vector<SseCrowd::Heard>& heard) {
  std::vector<std::string> result;
  for (const SseCrowd::Heard& event : heard) {
    result.push_back(event.type);
  }
  return result;
}

std::function<bool(const std::vector<SseCrowd::Heard>&)> has_heard(const std::string& type) {
  return [type](const std::vector<SseCrowd::Heard>& heard) {
    return !heard.empty() && heard.back().type == type;
  };
}

JobChange to_state(JobState state) {
  JobChange change;
  change.state = state;
  return change;
}

JobChange to_half() {
  JobChange change;
  change.fraction = 0.5;
  return change;
}

TEST(Crowd, OfAThousandClientsNoneMissesAnythingWhenTheNotifierIsKilled) {
  ASSERT_TRUE(allow_open_files(clients + 200)) << "the hard limit of open files is too low: see ulimit -Hn";
  const RedisServer redis;
  const ServerFolder folder;
  const int port = free_port();
  std::unique_ptr<ServerProcess> notifier;
  const auto start = [&] {
    notifier = std::make_unique<ServerProcess>(
        std::vector<std::string>{TESSERA_PROGRAM, "notifier", "--state", redis.url(), "--queue",
                                 "sqlite://" + (folder.path() / "queue.db").string(), "--store",
                                 "file://" + (folder.path() / "objects").string(), "--listen",
                                 fmt::format("127.0.0.1:{}", port), "--open"},
        ServerProcess::Environment{}, folder.path() / "notifier");
    notifier->wait_until_ready(port);
  };
  start();

  const StateStore store = open_state_store(redis.url(), {});
  NewJobs jobs;
  std::vector<std::string> targets;
  const std::string batch = new_id("batch", system_now());
  for (int i = 0; i < clients; ++i) {
    Job& job = jobs.jobs.emplace_back();
    job.id = new_id("job", system_now());
    job.batch_id = batch;
    targets.push_back("/v1/events?job=" + job.id);
  }
  static_cast<void>(store.jobs->create(jobs));

  SseCrowd crowd(port, targets);
  ASSERT_TRUE(crowd.all(has_heard("snapshot"), std::chrono::seconds(60)));
  EXPECT_EQ(crowd.connected(), clients);

  const auto change_from = [&](std::size_t first, std::size_t last, const JobChange& change) {
    for (std::size_t i = first; i < last; ++i) {
      ASSERT_TRUE(store.jobs->change(jobs.jobs[i].id, 1, change));
    }
  };
  change_from(0, clients, to_state(JobState::running));
  ASSERT_TRUE(crowd.all(has_heard("running"), std::chrono::seconds(60)));

  // Killed while half of the next events are on their way; the other half happen while there is none.
  change_from(0, clients / 2, to_half());
  notifier->kill();
  change_from(clients / 2, clients, to_half());
  start();
  change_from(0, clients, to_state(JobState::done));
  ASSERT_TRUE(crowd.all(has_heard("done"), std::chrono::seconds(120)));
  EXPECT_EQ(crowd.connected(), clients);
  EXPECT_GE(crowd.reconnections(), clients);

  const std::vector<std::string> everything{"snapshot", "running", "progress", "done"};
  for (std::size_t i = 0; i < clients; ++i) {
    const auto heard = crowd.heard(i);
    ASSERT_EQ(types(heard), everything) << "client " << i;
    for (std::size_t k = 1; k < heard.size(); ++k) {
      ASSERT_TRUE(store.events->event_before(heard[k - 1].id, heard[k].id)) << "client " << i;
    }
  }
}

}  // namespace
}  // namespace tessera::testing
