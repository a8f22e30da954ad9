// SPDX-License-Identifier: Apache-2.0
// What every state store must do, whatever is behind it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <set>
#include <thread>

#include "adapters/state/state_server.hpp"
#include "base/error.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::code_of;
using testing::new_job;
using testing::one_job;

constexpr auto at_once = 0ms;
constexpr auto surely = 30s;

class StateContract : public ::testing::TestWithParam<testing::StateKind> {
 protected:
  std::unique_ptr<testing::StateServer> server = GetParam().make();

  static JobChange to(JobState state) {
    JobChange change;
    change.state = state;
    return change;
  }
  static Job create(StateStore& store, const std::string& owner = "ann") {
    const NewJobs jobs = one_job(owner);
    store.jobs->create(jobs);
    return jobs.jobs.front();
  }
};

TEST_P(StateContract, ReturnsEveryFieldOfJobsAndBatches) {
  StateStore store = server->open();
  NewJobs jobs{{new_job("ann", "batch_1"), new_job("ann", "batch_1")}, {}, "https://hook", "secret"};
  const auto created = store.jobs->create(jobs);
  EXPECT_TRUE(created.created);
  for (const Job& job : jobs.jobs) {
    EXPECT_EQ(to_json(server->open().jobs->find(job.id).value()), to_json(job));
  }
  const Batch batch = store.jobs->find_batch("batch_1").value();
  EXPECT_EQ(batch.owner, "ann");
  EXPECT_EQ(batch.job_ids, (std::vector{jobs.jobs[0].id, jobs.jobs[1].id}));
  EXPECT_EQ(batch.webhook_url, "https://hook");
  EXPECT_EQ(batch.webhook_secret, "secret");
  EXPECT_EQ(batch.created, jobs.jobs[0].created);
  EXPECT_FALSE(store.jobs->find("job_nobody"));
  EXPECT_FALSE(store.jobs->find_batch("batch_nobody"));
}

TEST_P(StateContract, FindsManyAtOnceInTheOrderAsked) {
  StateStore store = server->open();
  NewJobs jobs = one_job("ann");
  for (int i = 0; i < 1500; ++i) {
    jobs.jobs.push_back(jobs.jobs.front());
    jobs.jobs.back().id = new_id("job", system_now());
  }
  store.jobs->create(jobs);
  std::vector<std::string> ids;
  for (const Job& job : jobs.jobs) {
    ids.push_back(job.id);
  }
  std::ranges::reverse(ids);
  std::vector<std::string> asked = ids;
  asked.insert(asked.begin() + 700, "job_nobody");
  std::vector<std::string> found;
  for (const Job& job : store.jobs->find_all(asked)) {
    found.push_back(job.id);
  }
  EXPECT_EQ(found, ids);
  EXPECT_TRUE(store.jobs->find_all({}).empty());
}

TEST_P(StateContract, CreatesJobsOnceForARepeatedRequest) {
  StateStore store = server->open();
  NewJobs first = one_job("ann");
  first.idempotency = {"key", "print"};
  NewJobs again = one_job("ann");
  again.idempotency = first.idempotency;
  NewJobs other = one_job("ann");
  other.idempotency = {"key", "another print"};
  NewJobs of_bob = one_job("bob");
  of_bob.idempotency = {"key", "another print"};

  EXPECT_TRUE(store.jobs->create(first).created);
  const auto second = store.jobs->create(again);
  EXPECT_FALSE(second.created);
  EXPECT_EQ(second.batch.job_ids.front(), first.jobs.front().id);
  EXPECT_FALSE(store.jobs->find(again.jobs.front().id));
  EXPECT_EQ(code_of([&] { store.jobs->create(other); }), ErrorCode::conflict);
  EXPECT_FALSE(store.jobs->find(other.jobs.front().id));
  EXPECT_TRUE(store.jobs->create(of_bob).created);
}

TEST_P(StateContract, ConcurrentRequestsWithOneKeyCreateOneBatch) {
  std::vector<std::future<bool>> tries;
  for (int i = 0; i < 4; ++i) {
    tries.push_back(std::async(std::launch::async, [&] {
      StateStore store = server->open();
      NewJobs jobs = one_job("ann");
      jobs.idempotency = {"key", "print"};
      return store.jobs->create(jobs).created;
    }));
  }
  int created = 0;
  for (auto& one : tries) {
    created += one.get() ? 1 : 0;
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(server->open().jobs->list({}, "", 10).jobs.size(), 1U);
}

TEST_P(StateContract, ChangesOnlyWhatTheConditionsAllow) {
  StateStore store = server->open();
  const Job job = create(store);
  JobChange change = to(JobState::running);
  change.attempt = 2;
  change.fraction = 0.25;
  change.stage = "otsu";
  change.node = "node_1";
  change.layout = {{"mode", "farm"}};
  const Job running = store.jobs->change(job.id, 1, change).value();
  EXPECT_EQ(running.state, JobState::running);
  EXPECT_EQ(running.attempt, 2);
  EXPECT_EQ(running.fraction, 0.25);
  EXPECT_EQ(running.stage, "otsu");
  EXPECT_EQ(running.node, "node_1");
  EXPECT_EQ(running.layout, change.layout);
  EXPECT_EQ(to_json(store.jobs->find(job.id).value()), to_json(running));

  EXPECT_FALSE(store.jobs->change(job.id, 2, to(JobState::done)));
  EXPECT_FALSE(store.jobs->change("job_nobody", 1, to(JobState::done)));
  JobChange done = to(JobState::done);
  done.result = JobResult{"results/a", "a.png", "image/png", 12, 3, 4, Json::array(), {}};
  EXPECT_EQ(store.jobs->change(job.id, 0, done)->result, done.result);
  for (const JobState late : {JobState::running, JobState::failed, JobState::cancelled, JobState::done}) {
    EXPECT_FALSE(store.jobs->change(job.id, 1, to(late)));
  }
  EXPECT_EQ(store.jobs->find(job.id)->state, JobState::done);
}

TEST_P(StateContract, OneOfManyEndingsWins) {
  StateStore store = server->open();
  for (int round = 0; round < 10; ++round) {
    const Job job = create(store);
    std::atomic<int> won{0};
    {
      std::vector<std::jthread> threads;
      for (const JobState state : {JobState::done, JobState::failed, JobState::cancelled, JobState::done}) {
        threads.emplace_back([&, state] { won += store.jobs->change(job.id, 1, to(state)) ? 1 : 0; });
      }
    }
    EXPECT_EQ(won, 1);
  }
}

TEST_P(StateContract, RetriesWhatFailed) {
  StateStore store = server->open();
  const Job job = create(store);
  store.jobs->mark_published(job.id, 1);
  EXPECT_FALSE(store.jobs->retry(job.id, 0));
  JobChange failed = to(JobState::failed);
  failed.failure = JobFailure{"damaged-input", "It ends too soon."};
  failed.attempt = 3;
  store.jobs->change(job.id, 1, failed);
  const Job again = store.jobs->retry(job.id, 0).value();
  EXPECT_EQ(again.state, JobState::queued);
  EXPECT_EQ(again.generation, 2);
  EXPECT_EQ(again.attempt, 0);
  EXPECT_FALSE(again.failure);
  EXPECT_FALSE(store.jobs->change(job.id, 1, to(JobState::done)));
  const auto waiting = store.jobs->unpublished(system_now() + 1h, 10);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].generation, 2);
  EXPECT_FALSE(store.jobs->retry("job_nobody", 0));
}

TEST_P(StateContract, KnowsWhatWasNotPublished) {
  StateStore store = server->open();
  const Job first = create(store);
  const Job second = create(store);
  EXPECT_EQ(store.jobs->unpublished(system_now() + 1h, 1).size(), 1U);
  EXPECT_EQ(store.jobs->unpublished(system_now() + 1h, 10).size(), 2U);
  EXPECT_TRUE(store.jobs->unpublished(first.created, 10).empty());
  store.jobs->mark_published(first.id, 1);
  store.jobs->mark_published(second.id, 7);  // of another generation: says nothing
  const auto waiting = store.jobs->unpublished(system_now() + 1h, 10);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].id, second.id);
}

TEST_P(StateContract, ListsPageByPageNewestFirst) {
  StateStore store = server->open();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(create(store).id);
  }
  create(store, "bob");
  store.jobs->change(ids[1], 1, to(JobState::failed));
  std::ranges::sort(ids, std::greater<>());
  const auto walk = [&](const JobFilter& filter, int limit) {
    std::vector<std::string> seen;
    std::string after;
    do {
      const JobPage page = store.jobs->list(filter, after, limit);
      EXPECT_LE(static_cast<int>(page.jobs.size()), limit);
      for (const Job& job : page.jobs) {
        seen.push_back(job.id);
      }
      after = page.next;
    } while (!after.empty());
    return seen;
  };
  for (const int limit : {1, 2, 5, 100}) {
    EXPECT_EQ(walk({"ann", {}, {}}, limit), ids);
  }
  EXPECT_EQ(walk({}, 3).size(), 6U);
  EXPECT_EQ(walk({"ann", {}, JobState::failed}, 3).size(), 1U);
  EXPECT_EQ(walk({"ann", {}, JobState::queued}, 1).size(), 4U);
  EXPECT_EQ(walk({{}, store.jobs->find(ids[0])->batch_id, {}}, 3), std::vector{ids[0]});
  EXPECT_TRUE(walk({"carl", {}, {}}, 3).empty());
}

TEST_P(StateContract, FindsAndRemovesWhatIsOver) {
  StateStore store = server->open();
  const Job over = create(store);
  const Job under_way = create(store);
  store.jobs->change(over.id, 1, to(JobState::cancelled));
  EXPECT_TRUE(store.jobs->finished_before(over.created, 10).empty());
  const auto finished = store.jobs->finished_before(system_now() + 1h, 10);
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].id, over.id);
  EXPECT_TRUE(store.jobs->remove_finished(over.id, system_now() + 1h));
  EXPECT_FALSE(store.jobs->remove_finished(over.id, system_now() + 1h));
  EXPECT_FALSE(store.jobs->find(over.id));
  EXPECT_FALSE(store.jobs->find_batch(over.batch_id));
  EXPECT_TRUE(store.jobs->find_batch(under_way.batch_id));
  std::int64_t queued = 0;
  for (const auto& [state, count] : store.jobs->count_by_state()) {
    queued += state == JobState::queued ? count : 0;
    EXPECT_TRUE(state == JobState::queued || count == 0);
  }
  EXPECT_EQ(queued, 1);
  EXPECT_EQ(store.jobs->list({"ann", {}, {}}, "", 10).jobs.size(), 1U);
}

TEST_P(StateContract, LogsEveryChangeInOrder) {
  StateStore store = server->open();
  const std::string before = store.events->newest_id();
  const Job job = create(store);
  store.jobs->change(job.id, 1, to(JobState::running));
  JobChange progress;
  progress.fraction = 0.5;
  store.jobs->change(job.id, 1, progress);
  store.jobs->change(job.id, 9, progress);  // not made, so not told
  store.jobs->change(job.id, 1, to(JobState::failed));
  store.jobs->retry(job.id, 0);

  std::vector<std::string> types;
  std::string last = before;
  for (bool more = true; more;) {
    const auto events = store.events->read_after(last, 2, at_once);
    more = !events.empty();
    for (const Event& event : events) {
      EXPECT_TRUE(store.events->event_before(last, event.id));
      EXPECT_FALSE(store.events->event_before(event.id, last));
      EXPECT_EQ(event.job_id, job.id);
      EXPECT_EQ(event.batch_id, job.batch_id);
      EXPECT_EQ(event.owner, "ann");
      EXPECT_EQ(event.data["id"], job.id);
      types.push_back(event.type);
      last = event.id;
    }
  }
  EXPECT_EQ(types, (std::vector<std::string>{"queued", "running", "progress", "failed", "queued"}));
  EXPECT_EQ(store.events->newest_id(), last);
  EXPECT_EQ(store.events->read_after("", 100, at_once).size(), 5U);
  EXPECT_EQ(code_of([&] { static_cast<void>(store.events->event_before("x y", last)); }), ErrorCode::usage);
}

TEST_P(StateContract, WakesReadersOfThisAndOfAnotherOpening) {
  StateStore writer = server->open();
  StateStore other = server->open();
  for (StateStore* reader : {&writer, &other}) {
    const std::string from = reader->events->newest_id();
    auto waiting =
        std::async(std::launch::async, [&] { return reader->events->read_after(from, 10, surely); });
    create(writer);
    EXPECT_EQ(waiting.get().size(), 1U);
  }
}

TEST_P(StateContract, StopsReading) {
  StateStore store = server->open();
  auto waiting = std::async(std::launch::async, [&] { return store.events->read_after("", 10, surely); });
  store.events->stop_reading();
  EXPECT_TRUE(waiting.get().empty());
  EXPECT_TRUE(store.events->read_after("", 10, surely).empty());
}

TEST_P(StateContract, BoundsTheLogAndReportsTheGap) {
  StateOptions options;
  options.max_events = 20;
  StateStore store = server->open(options);
  const std::string start = store.events->newest_id();
  const Job job = create(store);
  EXPECT_FALSE(store.events->has_gap_after(start));
  JobChange progress;
  progress.fraction = 0.5;
  for (int i = 0; i < 500; ++i) {
    store.jobs->change(job.id, 1, progress);
  }
  const auto kept = store.events->read_after("", 1000, at_once);
  EXPECT_GE(kept.size(), 20U);
  EXPECT_LT(kept.size(), 300U);
  EXPECT_TRUE(store.events->has_gap_after(start));
  EXPECT_TRUE(store.events->has_gap_after(""));
  EXPECT_FALSE(store.events->has_gap_after(kept.front().id));
  EXPECT_FALSE(store.events->has_gap_after(store.events->newest_id()));
}

TEST_P(StateContract, MakesAWebhookCallDueWhenAJobEnds) {
  TimePoint now = system_now();
  StateOptions options;
  options.now = [&now] { return now; };
  StateStore store = server->open(options);
  NewJobs jobs{{new_job("ann", "batch_1"), new_job("ann", "batch_1")}, {}, "https://hook", "secret"};
  store.jobs->create(jobs);
  const Job without = create(store);
  const auto end = [&](const Job& job, JobState state) { store.jobs->change(job.id, 0, to(state)); };
  end(jobs.jobs[0], JobState::running);
  EXPECT_TRUE(store.jobs->claim_webhook_calls(10s, 9).empty());
  end(jobs.jobs[0], JobState::failed);
  end(without, JobState::done);
  now += 1s;  // the jobs themselves are a little younger than `now` was
  end(jobs.jobs[1], JobState::done);

  const auto first = store.jobs->claim_webhook_calls(10s, 1);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].job_id, jobs.jobs[0].id);
  EXPECT_EQ(first[0].generation, 1);
  EXPECT_EQ(first[0].attempt, 1);
  EXPECT_FALSE(first[0].last);
  const auto second = server->open(options).jobs->claim_webhook_calls(10s, 9);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].job_id, jobs.jobs[1].id);
  EXPECT_TRUE(second[0].last);
  EXPECT_TRUE(store.jobs->claim_webhook_calls(10s, 9).empty());

  // Rescheduled by a clock that was ahead: it is due now.
  store.jobs->settle_webhook_call(first[0].id, now + farthest_webhook_call + 1s);
  const auto stray = store.jobs->claim_webhook_calls(10s, 9);
  ASSERT_EQ(stray.size(), 1U);
  EXPECT_EQ(stray[0].id, first[0].id);

  // One call was made, one was rescheduled; the third sender died without settling its call.
  store.jobs->settle_webhook_call(second[0].id, std::nullopt);
  store.jobs->settle_webhook_call(first[0].id, now + 60s);
  now += 59s;
  EXPECT_TRUE(store.jobs->claim_webhook_calls(10s, 9).empty());
  now += 1s;
  ASSERT_EQ(store.jobs->claim_webhook_calls(10s, 9).size(), 1U);
  now += 10s;
  const auto again = store.jobs->claim_webhook_calls(10s, 9);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].id, first[0].id);
  EXPECT_EQ(again[0].attempt, 4);
  store.jobs->settle_webhook_call(again[0].id, std::nullopt);

  // A retry has a call of its own.
  store.jobs->retry(jobs.jobs[0].id, 0);
  end(jobs.jobs[0], JobState::cancelled);
  const auto retried = store.jobs->claim_webhook_calls(10s, 9);
  ASSERT_EQ(retried.size(), 1U);
  EXPECT_EQ(retried[0].generation, 2);
  EXPECT_TRUE(retried[0].last);
  EXPECT_NE(retried[0].id, first[0].id);
}

TEST_P(StateContract, SkipsWebhookCallsOfExcludedOwners) {
  TimePoint now = system_now();
  StateOptions options;
  options.now = [&now] { return now; };
  StateStore store = server->open(options);
  const auto ended = [&](const std::string& owner, const std::string& batch) {
    const Job job = new_job(owner, batch);
    store.jobs->create({{job}, {}, "https://hook", "secret"});
    store.jobs->change(job.id, 0, to(JobState::done));
    return job.id;
  };
  for (int i = 0; i < 150; ++i) {  // more than a store looks at in one go
    ended("ann", fmt::format("batch_ann_{}", i));
  }
  const std::string of_bob = ended("bob", "batch_bob");
  // Jobs bear the real time, and on a slow machine they took more than a moment to make.
  now = std::max(now, system_now()) + 1s;
  const auto claimed = store.jobs->claim_webhook_calls(10s, 9, {"ann"});
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].job_id, of_bob);
  EXPECT_EQ(claimed[0].attempt, 1);
  EXPECT_TRUE(store.jobs->claim_webhook_calls(10s, 9, {"ann", "bob"}).empty());
  EXPECT_EQ(store.jobs->claim_webhook_calls(10s, 9).size(), 9U);

  // A postponed call that was not made does not count.
  store.jobs->postpone_webhook_call(claimed[0].id, now + 5s);
  now += 4s;
  EXPECT_TRUE(store.jobs->claim_webhook_calls(10s, 9, {"ann"}).empty());
  now += 1s;
  const auto again = store.jobs->claim_webhook_calls(10s, 9, {"ann"});
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].attempt, 1);
}

TEST_P(StateContract, KeepsTokens) {
  StateStore store = server->open();
  EXPECT_TRUE(store.tokens->list().empty());
  const Token token{"aa", "ann", 3, system_now(), system_now() + 1h};
  const Token lasting{"bb", "bob", 7, system_now(), {}};
  store.tokens->put(token);
  store.tokens->put(lasting);
  const Token found = server->open().tokens->find("aa").value();
  EXPECT_EQ(found.owner, "ann");
  EXPECT_EQ(found.scopes, 3);
  EXPECT_EQ(found.created, token.created);
  EXPECT_EQ(found.expires, token.expires);
  EXPECT_FALSE(store.tokens->find("bb")->expires);
  EXPECT_EQ(store.tokens->list().size(), 2U);
  EXPECT_TRUE(store.tokens->remove("aa"));
  EXPECT_FALSE(store.tokens->remove("aa"));
  EXPECT_FALSE(store.tokens->find("aa"));
}

TEST_P(StateContract, ForgetsNodesThatAreSilent) {
  StateStore store = server->open();
  store.nodes->announce({"node_a", "host", "1.0", {{"state", "ready"}}, {}}, 1h);
  store.nodes->announce({"node_b", "host", "1.0", {}, {}}, 1ms);
  const auto deadline = std::chrono::steady_clock::now() + surely;
  while (store.nodes->list().size() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  const auto nodes = store.nodes->list();
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].id, "node_a");
  EXPECT_EQ(nodes[0].details["state"], "ready");
  EXPECT_LE(nodes[0].seen, system_now());
  store.nodes->withdraw("node_a");
  EXPECT_TRUE(store.nodes->list().empty());
}

TEST_P(StateContract, LosesNoConfirmedWriteOfAKilledProcess) {
  Job job;
  {
    StateStore store = server->open();
    job = create(store);
  }
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t writer = fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    StateStore store = server->open();
    for (std::int64_t step = 1;; ++step) {
      JobChange change;
      change.fraction = static_cast<double>(step);
      store.jobs->change(job.id, 1, change);
      if (write(ends[1], &step, sizeof step) != sizeof step) {
        _exit(1);
      }
    }
  }
  close(ends[1]);
  std::int64_t told = 0;
  while (told < 50) {
    ASSERT_EQ(read(ends[0], &told, sizeof told), static_cast<ssize_t>(sizeof told));
  }
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
  for (std::int64_t step = 0; read(ends[0], &step, sizeof step) == sizeof step;) {
    told = step;
  }
  close(ends[0]);
  StateStore store = server->open();
  const double fraction = store.jobs->find(job.id)->fraction;
  EXPECT_GE(fraction, static_cast<double>(told));
  const auto events = store.events->read_after("", 100'000, at_once);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().data["fraction"], fraction);
  EXPECT_EQ(events.size(), static_cast<std::size_t>(fraction) + 1);
}

TEST_P(StateContract, ChecksItself) { EXPECT_NO_THROW(server->open().jobs->check()); }

INSTANTIATE_TEST_SUITE_P(States, StateContract,
                         ::testing::Values(testing::sqlite_state_kind(), testing::redis_state_kind()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessera
