// SPDX-License-Identifier: Apache-2.0
// Limits per owner, the same in every state store.
#include <gtest/gtest.h>

#include <future>

#include "adapters/state/state_server.hpp"
#include "base/error.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::refusal;

constexpr std::int64_t huge =
    std::int64_t{9'000'000'000'000'000};  // more than 32 bits, or 15 digits of a double

class LimitsContract : public ::testing::TestWithParam<testing::StateKind> {
 protected:
  TimePoint now = system_now();
  std::unique_ptr<testing::StateServer> server = GetParam().make();
  StateOptions options{.now = [this] { return now; }};
  StateStore store = server->open(options);
  UploadLedger& uploads = *store.uploads;

  [[nodiscard]] UploadReservation place(const std::string& name, const std::string& owner = "ann") const {
    return {"uploads/" + owner + "/" + name, owner, now + 1h, now + 48h};
  }
  [[nodiscard]] static NewJobs jobs_of(const std::string& owner, int count, std::int64_t max_waiting) {
    NewJobs jobs = testing::one_job(owner);
    for (int i = 1; i < count; ++i) {
      jobs.jobs.push_back(testing::new_job(owner, jobs.jobs.front().batch_id));
    }
    jobs.max_waiting = max_waiting;
    return jobs;
  }
};

TEST_P(LimitsContract, ReservationsAreCountedByOwnerUntilTheyAreUsedOrExpire) {
  const UploadLimits two{.max_reservations = 2, .max_bytes = 0};
  EXPECT_TRUE(uploads.reserve(place("a"), two).reserved);
  now += 1h;
  EXPECT_EQ(uploads.reserve(place("b"), two).before, (UploadUsage{1, 0}));
  const auto refused = uploads.reserve(place("c"), two);
  EXPECT_FALSE(refused.reserved);
  EXPECT_EQ(refused.before, (UploadUsage{2, 0}));
  EXPECT_TRUE(uploads.reserve(place("a", "bob"), two).reserved) << "another's are not counted";
  EXPECT_EQ(server->open(options).uploads->usage_of("ann"), (UploadUsage{2, 0}));

  uploads.release({"uploads/ann/b", "uploads/ann/never-there"});
  EXPECT_TRUE(uploads.reserve(place("c"), two).reserved);
  EXPECT_FALSE(uploads.reserve(place("d"), two).reserved);
  now += 47h;  // a expires at this moment
  EXPECT_FALSE(uploads.reserve(place("d"), two).reserved);
  now += 1ms;
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{1, 0}));
  EXPECT_TRUE(uploads.reserve(place("d"), two).reserved);
  EXPECT_TRUE(uploads.reserve(place("e"), {}).reserved) << "without a limit";
  EXPECT_EQ(uploads.usage_of("nobody"), UploadUsage{});
}

TEST_P(LimitsContract, BytesAreCountedWhenTheyAreKnown) {
  const UploadLimits limits{.max_reservations = 0, .max_bytes = 100};
  ASSERT_TRUE(uploads.reserve(place("a"), limits).reserved);
  ASSERT_TRUE(uploads.reserve(place("b"), limits).reserved);
  EXPECT_EQ(uploads.record_size("uploads/ann/a", 60, 100), SizeUpdate::recorded);
  EXPECT_EQ(uploads.record_size("uploads/ann/b", 41, 100), SizeUpdate::over_limit);
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{2, 60})) << "what is refused is not counted";
  EXPECT_EQ(uploads.record_size("uploads/ann/b", 40, 100), SizeUpdate::recorded);
  EXPECT_FALSE(uploads.reserve(place("c"), limits).reserved);
  EXPECT_EQ(uploads.record_size("uploads/ann/a", 10, 100), SizeUpdate::recorded)
      << "in place of what was there";
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{2, 50}));
  EXPECT_TRUE(uploads.reserve(place("c"), limits).reserved);
  EXPECT_EQ(uploads.record_size("uploads/ann/c", huge, 0), SizeUpdate::recorded)
      << "what lies there already counts in any case";
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{3, huge + 50}));
  uploads.release({"uploads/ann/c"});
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{2, 50}));
  EXPECT_EQ(uploads.record_size("uploads/ann/unknown", 1000, 100), SizeUpdate::not_found);
  EXPECT_EQ(uploads.record_size("uploads/ann/c", 1, 0), SizeUpdate::not_found) << "a job uses it";
  EXPECT_EQ(uploads.usage_of("ann"), (UploadUsage{2, 50}));
  now += 48h + 1ms;
  EXPECT_EQ(uploads.usage_of("ann"), UploadUsage{});
}

TEST_P(LimitsContract, ReservationsOfUnknownSizeAreClaimedInTurn) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(uploads.reserve(place(name), {}).reserved);
    now += 1s;
  }
  const auto names = [](const std::vector<UploadReservation>& reservations) {
    std::string all;
    for (const UploadReservation& claimed : reservations) {
      all += claimed.object.back();
    }
    return all;
  };
  const auto first = uploads.claim_unmeasured(now, 2);
  ASSERT_EQ(names(first), "ab");
  EXPECT_EQ(first[0].owner, "ann");
  EXPECT_EQ(first[0].link_expires, now - 3s + 1h);
  EXPECT_EQ(first[0].expires, now - 3s + 48h);
  EXPECT_EQ(names(server->open(options).uploads->claim_unmeasured(now, 9)), "c");
  EXPECT_EQ(names(uploads.claim_unmeasured(now, 9)), "") << "all were taken just now";
  now += 1s;
  ASSERT_EQ(uploads.record_size("uploads/ann/b", 1, 0), SizeUpdate::recorded);
  uploads.release({"uploads/ann/c"});
  EXPECT_EQ(names(uploads.claim_unmeasured(now, 9)), "a");
  now += 49h;
  EXPECT_EQ(names(uploads.claim_unmeasured(now, 9)), "") << "it has expired";
}

TEST_P(LimitsContract, ConcurrentReservationsStayWithinTheLimit) {
  std::vector<std::future<int>> clients;
  for (int client = 0; client < 4; ++client) {
    clients.push_back(std::async(std::launch::async, [&, client] {
      const StateStore own = server->open(options);
      int reserved = 0;
      for (int i = 0; i < 10; ++i) {
        reserved += own.uploads
                            ->reserve(place(std::to_string(client * 10 + i)),
                                      {.max_reservations = 25, .max_bytes = 0})
                            .reserved
                        ? 1
                        : 0;
      }
      return reserved;
    }));
  }
  int reserved = 0;
  for (auto& client : clients) {
    reserved += client.get();
  }
  EXPECT_EQ(reserved, 25);
}

TEST_P(LimitsContract, QueuedJobsAreCountedByOwner) {
  JobStore& jobs = *store.jobs;
  const auto waiting = [&](const std::string& owner) {
    return jobs.list({owner, {}, JobState::queued}, "", 100).jobs.size();
  };
  const NewJobs first = jobs_of("ann", 3, 5);
  EXPECT_TRUE(jobs.create(first).created);
  EXPECT_EQ(waiting("ann"), 3U);
  EXPECT_EQ(
      refusal([&] { jobs.create(jobs_of("ann", 3, 5)); }, ErrorCode::busy),
      "'ann' has 3 waiting jobs, and 3 more would exceed the limit of 5: try again when some of them have "
      "ended.");
  EXPECT_EQ(jobs.list({"ann", {}, {}}, "", 100).jobs.size(), 3U) << "all of them, or none";
  EXPECT_TRUE(jobs.create(jobs_of("bob", 5, 5)).created) << "another's are not counted";
  EXPECT_TRUE(jobs.create(jobs_of("ann", 2, 5)).created);
  EXPECT_EQ(waiting("ann"), 5U);

  const std::string id = first.jobs[0].id;
  JobChange change;
  change.state = JobState::running;
  ASSERT_TRUE(jobs.change(id, 0, change));
  EXPECT_EQ(waiting("ann"), 4U);
  change.state = JobState::queued;
  ASSERT_TRUE(jobs.change(id, 0, change));
  EXPECT_EQ(waiting("ann"), 5U);
  change.state = JobState::cancelled;
  ASSERT_TRUE(jobs.change(id, 0, change));
  EXPECT_EQ(waiting("ann"), 4U);
  EXPECT_EQ(
      refusal([&] { jobs.retry(id, 4); }, ErrorCode::busy),
      "'ann' has 4 waiting jobs, and 1 more would exceed the limit of 4: try again when some of them have "
      "ended.");
  EXPECT_EQ(jobs.find(id)->state, JobState::cancelled);
  ASSERT_TRUE(jobs.retry(id, 5));
  EXPECT_EQ(waiting("ann"), 5U);
  ASSERT_TRUE(jobs.change(id, 0, change));
  EXPECT_TRUE(jobs.remove_finished(id, system_now() + std::chrono::hours(1)));
  EXPECT_EQ(waiting("ann"), 4U);
  EXPECT_TRUE(jobs.create(jobs_of("ann", 9, 0)).created) << "without a limit";
}

TEST_P(LimitsContract, IdempotentResponsesIgnoreTheQueueLimit) {
  JobStore& jobs = *store.jobs;
  NewJobs first = jobs_of("ann", 2, 2);
  first.idempotency = {"key", "print"};
  EXPECT_TRUE(jobs.create(first).created);
  NewJobs again = jobs_of("ann", 2, 2);
  again.idempotency = first.idempotency;
  const auto second = jobs.create(again);
  EXPECT_FALSE(second.created);
  EXPECT_EQ(second.batch.id, first.jobs[0].batch_id);
  // A key whose jobs were rejected can be used again.
  NewJobs refused = jobs_of("ann", 1, 2);
  refused.idempotency = {"another key", "print"};
  EXPECT_NE(refusal([&] { jobs.create(refused); }, ErrorCode::busy), "");
  refused.max_waiting = 3;
  EXPECT_TRUE(jobs.create(refused).created);
}

INSTANTIATE_TEST_SUITE_P(States, LimitsContract,
                         ::testing::Values(testing::sqlite_state_kind(), testing::redis_state_kind()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessera
