// SPDX-License-Identifier: Apache-2.0
// What a reconciler asks of every state store, and what a store does with what it cannot read.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "adapters/state/state_server.hpp"
#include "ports/stored_json.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::new_job;
using testing::one_job;

class UpkeepContract : public ::testing::TestWithParam<testing::StateKind> {
 protected:
  std::unique_ptr<testing::StateServer> server = GetParam().make();
  TimePoint now = system_now();
  std::vector<std::string> warnings;

  StateStore open() {
    StateOptions options;
    options.now = [this] { return now; };
    options.warn = [this](const std::string& sentence) {
      if (sentence.find("cannot be read") != std::string::npos) {
        warnings.push_back(sentence);
      }
    };
    return server->open(options);
  }
  static JobChange to(JobState state) {
    JobChange change;
    change.state = state;
    return change;
  }
  Job create(StateStore& store) {
    NewJobs jobs = one_job("ann");
    jobs.jobs.front().request.object = "uploads/ann/" + jobs.jobs.front().id;
    jobs.jobs.front().created = jobs.jobs.front().updated = now;
    store.jobs->create(jobs);
    return jobs.jobs.front();
  }
  static std::vector<std::string> ids(const std::vector<Job>& jobs) {
    std::vector<std::string> result;
    for (const Job& job : jobs) {
      result.push_back(job.id);
    }
    return result;
  }
};

TEST_P(UpkeepContract, FindsWhatHasNotChangedForLong) {
  StateStore store = open();
  const Job first = create(store);
  now += 1s;
  const Job second = create(store);
  now += 1s;
  const Job third = create(store);
  store.jobs->change(third.id, 1, to(JobState::running));
  EXPECT_EQ(ids(store.jobs->unchanged_since(JobState::queued, now, 10)), (std::vector{first.id, second.id}));
  EXPECT_EQ(ids(store.jobs->unchanged_since(JobState::queued, now, 1)), std::vector{first.id});
  EXPECT_EQ(ids(store.jobs->unchanged_since(JobState::queued, second.updated, 10)), std::vector{first.id});
  EXPECT_TRUE(store.jobs->unchanged_since(JobState::running, now, 10).empty());
  EXPECT_EQ(ids(store.jobs->unchanged_since(JobState::running, now + 1ms, 10)), std::vector{third.id});
  EXPECT_EQ(store.jobs->count(JobState::queued), 2);
  EXPECT_EQ(store.jobs->count(JobState::running), 1);
  EXPECT_EQ(store.jobs->count(JobState::done), 0);
}

TEST_P(UpkeepContract, RequeuesAJobOnceForConcurrentCallers) {
  StateStore store = open();
  const Job job = create(store);
  store.jobs->mark_published(job.id, 1);
  JobChange running = to(JobState::running);
  running.attempt = 2;
  running.node = "node_1";
  const Job seen = store.jobs->change(job.id, 1, running).value();
  const Job again = store.jobs->queue_again(seen, "Its node is gone.").value();
  EXPECT_EQ(again.state, JobState::queued);
  EXPECT_EQ(again.generation, 1);
  EXPECT_EQ(again.attempt, 2) << "what it did before still counts";
  EXPECT_EQ(again.node, "");
  EXPECT_EQ(again.stage, "Its node is gone.");
  EXPECT_GT(again.updated, seen.updated);
  EXPECT_EQ(to_json(store.jobs->find(job.id).value()), to_json(again));
  EXPECT_EQ(ids(store.jobs->unpublished(now + 1h, 10)), std::vector{job.id});
  EXPECT_EQ(store.events->read_after("", 10, 0ms).back().type, "queued");

  EXPECT_FALSE(open().jobs->queue_again(seen, "")) << "another has done it";
  store.jobs->change(job.id, 1, to(JobState::cancelled));
  EXPECT_FALSE(store.jobs->queue_again(store.jobs->find(job.id).value(), "")) << "it is final";
}

TEST_P(UpkeepContract, KeepsAResultThatIsBeingStored) {
  StateStore store = open();
  const Job job = create(store);
  store.jobs->mark_published(job.id, 1);
  JobChange storing = to(JobState::storing);
  storing.result = JobResult{"results/ann/a.png", "a.png", "image/png", 9, 1, 1, Json::array(), {}};
  const Job seen = store.jobs->change(job.id, 1, storing).value();
  const Job again = store.jobs->queue_again(seen, "Its node is gone.").value();
  EXPECT_EQ(again.state, JobState::storing);
  EXPECT_EQ(again.result, storing.result);
  EXPECT_EQ(ids(store.jobs->unpublished(now + 1h, 10)), std::vector{job.id});
  EXPECT_FALSE(store.jobs->queue_again(seen, "")) << "another has done it";
}

TEST_P(UpkeepContract, RemovesOnlyJobsThatAreStillFinal) {
  StateStore store = open();
  const Job failed = create(store);
  const Job waiting = create(store);
  store.jobs->change(failed.id, 1, to(JobState::failed));
  const TimePoint later = now + 1h;
  EXPECT_FALSE(store.jobs->remove_finished(failed.id, now)) << "it changed at that time, not before";
  EXPECT_FALSE(store.jobs->remove_finished(waiting.id, later));
  ASSERT_EQ(store.jobs->finished_before(later, 10).size(), 1U);
  // Between the look and the removal a person retries it.
  ASSERT_TRUE(store.jobs->retry(failed.id, 0));
  EXPECT_FALSE(store.jobs->remove_finished(failed.id, later));
  EXPECT_EQ(store.jobs->find(failed.id)->generation, 2);
  EXPECT_FALSE(store.jobs->remove_finished("job_nobody", later));
  store.jobs->change(failed.id, 2, to(JobState::cancelled));
  EXPECT_TRUE(store.jobs->remove_finished(failed.id, later));
  EXPECT_FALSE(store.jobs->find(failed.id));
  EXPECT_EQ(store.jobs->list({"ann", {}, {}}, "", 10).jobs.size(), 1U);
}

TEST_P(UpkeepContract, KnowsWhichInputsAreStillNeeded) {
  StateStore store = open();
  std::vector<Job> jobs;
  for (const JobState state : {JobState::queued, JobState::running, JobState::storing, JobState::failed,
                               JobState::cancelled, JobState::done}) {
    jobs.push_back(create(store));
    if (state != JobState::queued) {
      store.jobs->change(jobs.back().id, 1, to(state));
    }
  }
  const auto in_use = store.jobs->objects_in_use();
  for (const Job& job : jobs) {
    EXPECT_EQ(in_use.contains(job.request.object), job.id != jobs.back().id) << job.request.object;
  }
}

TEST_P(UpkeepContract, IgnoresUnreadableRecords) {
  StateStore store = open();
  const std::vector<std::string> texts{"", "no JSON", "[]", "{}", R"({"id": 5})"};
  std::vector<Job> unreadable;
  for (const std::string& text : texts) {
    unreadable.push_back(create(store));
    server->overwrite_record(unreadable.back().id, text);
    now += 1s;
  }
  // Another version's: it says what it needs all the same.
  Json strange = to_json(create(store));
  strange["state"] = "resting";
  unreadable.push_back(create(store));
  server->overwrite_record(unreadable.back().id, strange.dump());
  now += 1s;
  const Job sound = create(store);
  now += 1s;

  EXPECT_EQ(ids(store.jobs->unpublished(now, 2)).back(), sound.id) << "what is unreadable takes no place";
  for (const Job& job : unreadable) {
    EXPECT_FALSE(store.jobs->find(job.id));
    EXPECT_FALSE(store.jobs->change(job.id, 0, to(JobState::done)));
    EXPECT_FALSE(store.jobs->retry(job.id, 0));
    EXPECT_FALSE(store.jobs->queue_again(job, ""));
  }
  EXPECT_EQ(store.jobs->list({"ann", {}, {}}, "", 50).jobs.size(), 2U);
  EXPECT_EQ(store.jobs->list({{}, {}, JobState::queued}, "", 50).jobs.size(), 2U);
  EXPECT_EQ(store.jobs->unchanged_since(JobState::queued, now, 50).size(), 2U);
  EXPECT_EQ(ids(store.jobs->unchanged_since(JobState::queued, now, 2)).back(), sound.id);
  EXPECT_TRUE(store.jobs->objects_in_use().contains(strange["request"]["object"].get<std::string>()));

  // Told of once, and kept for an administrator.
  EXPECT_EQ(warnings.size(), unreadable.size());
  const auto items = open().jobs->unreadable(50);
  ASSERT_EQ(items.size(), unreadable.size());
  for (const UnreadableItem& item : items) {
    EXPECT_EQ(item.kind, "job");
    EXPECT_FALSE(item.reason.empty());
    EXPECT_TRUE(std::ranges::any_of(unreadable, [&](const Job& job) { return job.id == item.id; }));
  }
  // The record stays as it is: a version that can read it finds it.
  const std::string mended = unreadable[0].id;
  server->overwrite_record(mended, to_json(unreadable[0]).dump());
  EXPECT_TRUE(store.jobs->find(mended));
  EXPECT_TRUE(store.jobs->remove_unreadable("job", mended));
  EXPECT_TRUE(store.jobs->find(mended)) << "only what cannot be read is removed";
  EXPECT_TRUE(store.jobs->remove_unreadable("job", unreadable[1].id));
  EXPECT_FALSE(store.jobs->remove_unreadable("job", unreadable[1].id));
  EXPECT_EQ(store.jobs->unreadable(50).size(), unreadable.size() - 2);
  EXPECT_EQ(store.jobs->count(JobState::queued), static_cast<std::int64_t>(unreadable.size()) + 1);
}

TEST_P(UpkeepContract, SkipsUnreadableEvents) {
  StateStore store = open();
  const std::string start = store.events->newest_id();
  const std::vector<std::string> texts{"", "no JSON", "{}", "[1]", R"({"id":"job_1","state":7})"};
  for (const std::string& text : texts) {
    server->append_event(text);
  }
  const Job job = create(store);
  const auto events = store.events->read_after(start, 50, 0ms);
  ASSERT_EQ(events.size(), texts.size() + 1);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(events[i].type, Event::unreadable) << texts[i];
    EXPECT_TRUE(events[i].data.is_null());
    EXPECT_TRUE(store.events->event_before(events[i].id, events[i + 1].id));
  }
  EXPECT_EQ(events.back().type, "queued");
  EXPECT_EQ(events.back().job_id, job.id);
  EXPECT_EQ(warnings.size(), texts.size());
  EXPECT_EQ(store.events->read_after(start, 50, 0ms).size(), events.size());
  EXPECT_EQ(warnings.size(), texts.size()) << "told once";
}

INSTANTIATE_TEST_SUITE_P(States, UpkeepContract,
                         ::testing::Values(testing::sqlite_state_kind(), testing::redis_state_kind()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tessera
