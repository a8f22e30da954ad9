// SPDX-License-Identifier: Apache-2.0
// What the version before this one has stored, read by this one.
#include <gtest/gtest.h>

#include <sstream>

#include "adapters/open.hpp"
#include "adapters/rabbitmq/properties.hpp"
#include "adapters/redis/connection.hpp"
#include "adapters/sqlite/database.hpp"
#include "servers/redis_server.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

std::string data(const std::string& name) {
  return testing::read_file(TESSERA_TEST_DATA_DIR "/stored/before-versions/" + name);
}

std::vector<std::string> lines_of(const std::string& name) {
  std::istringstream text(data(name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line);
  }
  return lines;
}

/// All of it is there, and can be worked on.
void expect_state(StateStore store, bool has_nodes) {
  const JobPage page = store.jobs->list({"ann", {}, {}}, "", 50);
  ASSERT_EQ(page.jobs.size(), 5U);
  EXPECT_TRUE(store.jobs->unreadable(50).empty());
  const Batch batch = store.jobs->find_batch(page.jobs.front().batch_id).value();
  EXPECT_EQ(batch.job_ids.size(), 5U);
  EXPECT_EQ(batch.webhook_secret, "sixteen characters");

  const auto waiting = store.jobs->unpublished(system_now() + 24h * 3650, 50);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].state, JobState::queued);
  EXPECT_EQ(waiting[0].request.priority, Priority::bulk);
  EXPECT_EQ(waiting[0].request.name, "größe \"1\".jpg");
  EXPECT_EQ(waiting[0].request.pipeline["operators"][1]["params"]["sigma"], 1.5);
  const auto running = store.jobs->unchanged_since(JobState::running, system_now() + 24h * 3650, 50);
  ASSERT_EQ(running.size(), 1U);
  EXPECT_EQ(running[0].layout["mode"], "farm");
  EXPECT_TRUE(store.jobs->queue_again(running[0], "again"));
  const auto done = store.jobs->list({"ann", {}, JobState::done}, "", 50).jobs;
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].result->width_px, 640);
  EXPECT_EQ(done[0].result->findings[0]["count"], 1);
  EXPECT_TRUE(done[0].result->warnings.empty());
  const auto failed = store.jobs->list({"ann", {}, JobState::failed}, "", 50).jobs;
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].generation, 2);
  EXPECT_EQ(failed[0].failure->code, "rank-lost");
  EXPECT_EQ(store.jobs->retry(failed[0].id, 0)->generation, 3);

  const auto events = store.events->read_after("", 50, 0ms);
  ASSERT_EQ(events.size(), 7U);
  for (const Event& event : events) {
    EXPECT_NE(event.type, Event::unreadable);
    EXPECT_EQ(event.data["id"], event.job_id);
  }
  const auto calls = store.jobs->claim_webhook_calls(1s, 9);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].attempt, 1);
  EXPECT_EQ(store.tokens->find("aa")->scopes, 3);
  EXPECT_EQ(store.nodes->list().size(), has_nodes ? 1U : 0U);
  EXPECT_EQ(store.jobs->objects_in_use().count("uploads/ann/upload_01m8mcw4jh1ts46j9cwva0sqh0"), 1U);
}

TEST(PreviousVersion, SqliteStateIsRead) {
  const testing::ServerFolder folder;
  const auto path = folder.path() / "state.db";
  SqliteDatabase(path).execute(data("state.sql").c_str());
  expect_state(open_state_store("sqlite://" + path.string(), {}), false);
}

TEST(PreviousVersion, RedisStateIsRead) {
  const testing::RedisServer server;
  redis::Connection connection(redis::parse_address(server.url()));
  for (const std::string& line : lines_of("redis.jsonl")) {
    connection.command(Json::parse(line).get<std::vector<std::string>>());
  }
  expect_state(open_state_store(server.url(), {}), true);
}

TEST(PreviousVersion, SqliteQueueIsRead) {
  const testing::ServerFolder folder;
  const auto path = folder.path() / "queue.db";
  SqliteDatabase(path).execute(data("queue.sql").c_str());
  const auto queue = open_job_queue("sqlite://" + path.string(), {});
  const auto delivery = queue->receive(0ms);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message.job_id, "job_01m8mcw4jh1ts46j9cwva0sqh1");
  EXPECT_EQ(delivery->message.priority, Priority::bulk);
  queue->acknowledge(delivery->tag);
}

TEST(PreviousVersion, MessagesOfTheBrokerAreRead) {
  for (const std::string& line : lines_of("messages.jsonl")) {
    const auto message = decode_message(line);
    ASSERT_TRUE(message) << line;
    EXPECT_EQ(message->job_id, "job_01m8mcw4jh1ts46j9cwva0sqh1");
    EXPECT_EQ(message->priority, Priority::bulk);
  }
}

}  // namespace
}  // namespace tessera
