// SPDX-License-Identifier: Apache-2.0
// What is special to the queue in a file: it must outlive kill -9, other writers and damage.
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/open.hpp"
#include "adapters/queue/queue_server.hpp"
#include "adapters/sqlite/database.hpp"
#include "base/error.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::message;

class SqliteJobQueueFile : public ::testing::Test {
 protected:
  testing::ServerFolder folder;
  const std::filesystem::path file = folder.path() / "a queue.db";
  const std::string url = "sqlite://" + file.string();
};

template <class Action>
ErrorCode code_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_GT(std::string_view(error.what()).size(), 20U);
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::internal;
}

TEST_F(SqliteJobQueueFile, IsWrittenThroughToTheDisk) {
  const auto queue = open_job_queue(url, {});
  SqliteDatabase database(file);
  SqliteStatement mode(database, "PRAGMA journal_mode");
  ASSERT_TRUE(mode.step());
  EXPECT_EQ(mode.text(0), "wal");
  SqliteStatement synchronous(database, "PRAGMA synchronous");
  ASSERT_TRUE(synchronous.step());
  EXPECT_EQ(synchronous.integer(0), 2);  // FULL
}

TEST_F(SqliteJobQueueFile, KeepsEverythingWhenItsOnlyUserIsKilled) {
  open_job_queue(url, {})->publish(message("taken"));
  open_job_queue(url, {})->publish(message("waiting"));
  testing::ConsumerProcess(url, 1).kill();
  const auto queue = open_job_queue(url, {});
  EXPECT_EQ(queue->depth().waiting, 2);
  const auto delivery = queue->receive(0ms);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message.job_id, "taken");
  EXPECT_EQ(delivery->attempt, 2);
}

TEST_F(SqliteJobQueueFile, ReportsOtherWritersWithinTheTimeout) {
  const auto queue = open_job_queue(url, {.publish_timeout = 50ms});
  queue->publish(message("job"));
  SqliteDatabase other(file);
  SqliteTransaction writing(other);
  EXPECT_EQ(code_of([&] { queue->publish(message("next")); }), ErrorCode::unavailable);
  writing.commit();
  queue->publish(message("next"));
  EXPECT_EQ(queue->depth().waiting, 2);
}

TEST_F(SqliteJobQueueFile, WaitsInReceiveWhileOthersWrite) {
  const auto queue = open_job_queue(url, {.publish_timeout = 50ms});
  queue->publish(message("job"));
  SqliteDatabase other(file);
  {
    SqliteTransaction writing(other);
    EXPECT_FALSE(queue->receive(100ms));
  }
  EXPECT_TRUE(queue->receive(30s));
}

TEST_F(SqliteJobQueueFile, DelaysPostponedMessages) {
  const auto queue = open_job_queue(url, {});
  queue->publish(message("later"));
  queue->publish(message("now"));
  queue->postpone(queue->receive(30s).value().tag, 1h);
  const auto now = queue->receive(30s);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->message.job_id, "now");
  EXPECT_FALSE(queue->receive(0ms));
  EXPECT_EQ(queue->depth().waiting, 1);
  // Another who opens the file holds it back too, until its time has come.
  const auto other = open_job_queue(url, {});
  EXPECT_FALSE(other->receive(0ms));
  SqliteDatabase(file).execute("UPDATE queue_postponed SET until_ms=since_ms");
  const auto later = other->receive(30s);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->message.job_id, "later");
  EXPECT_EQ(later->attempt, 1);
}

TEST_F(SqliteJobQueueFile, DoesNotHoldAMessageBackWhenTheClockWasSetBack) {
  const auto queue = open_job_queue(url, {});
  queue->publish(message("job"));
  queue->postpone(queue->receive(30s).value().tag, 1h);
  SqliteDatabase(file).execute(
      "UPDATE queue_postponed SET since_ms=since_ms+9000000, until_ms=until_ms+9000000");
  EXPECT_TRUE(queue->receive(30s));
}

TEST_F(SqliteJobQueueFile, IsRefusedWhenItIsNone) {
  std::ofstream(file)
      << "This is a letter to my aunt, and it is long enough to be mistaken for nothing else.";
  EXPECT_EQ(code_of([&] { static_cast<void>(open_job_queue(url, {})); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { static_cast<void>(open_job_queue("sqlite:///no/such/folder/q.db", {})); }),
            ErrorCode::io);
}

TEST_F(SqliteJobQueueFile, OfANewerVersionIsLeftAlone) {
  static_cast<void>(open_job_queue(url, {}));
  SqliteDatabase database(file);
  database.execute("UPDATE queue_schema SET version=99");
  EXPECT_EQ(code_of([&] { static_cast<void>(open_job_queue(url, {})); }), ErrorCode::io);
}

TEST(JobQueueUrl, MustBeUnderstood) {
  for (const char* url :
       {"", "queue.db", "sqlite:queue.db", "sqlite://queue.db", "sqlite://", "redis://host"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(open_job_queue(url, {})); }), ErrorCode::usage) << url;
  }
}

}  // namespace
}  // namespace tessera
