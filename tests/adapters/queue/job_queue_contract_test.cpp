// SPDX-License-Identifier: Apache-2.0
// What every queue must do, whatever is behind it.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "adapters/queue/queue_server.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::message;

constexpr auto at_once = 0ms;
constexpr auto surely = 30s;

class JobQueueContract : public ::testing::TestWithParam<testing::QueueKind> {
 protected:
  std::unique_ptr<testing::QueueServer> server = GetParam().make();

  static std::vector<std::string> take_all(JobQueue& queue) {
    std::vector<std::string> ids;
    while (const auto delivery = queue.receive(at_once)) {
      ids.push_back(delivery->message.job_id);
      queue.acknowledge(delivery->tag);
    }
    return ids;
  }
  static void bury(JobQueue& queue, const std::string& id, const std::string& reason) {
    queue.publish(message(id));
    queue.dead_letter(queue.receive(surely).value().tag, reason);
  }
  /// A broker moves what has reached the limit in its own time.
  static void wait_for_dead(JobQueue& queue, std::int64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + surely;
    while (queue.depth().dead < count && std::chrono::steady_clock::now() < deadline) {
      ASSERT_FALSE(queue.receive(20ms));
    }
  }
  static std::vector<std::string> ids_of(const std::vector<DeadLetter>& letters) {
    std::vector<std::string> ids;
    for (const DeadLetter& letter : letters) {
      ids.push_back(letter.message.job_id);
    }
    return ids;
  }
};

using Ids = std::vector<std::string>;

TEST_P(JobQueueContract, PublishesManyInTheirOrder) {
  const auto queue = server->open();
  std::vector<QueueMessage> messages;
  Ids sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back("job_" + std::to_string(i));
    messages.push_back(message(sent.back()));
  }
  const JobQueue::Published published = queue->publish_all(messages);
  EXPECT_EQ(published.count, messages.size());
  EXPECT_EQ(published.problem, "");
  EXPECT_EQ(take_all(*queue), sent);
  EXPECT_EQ(queue->publish_all({}).count, 0U);
}

TEST_P(JobQueueContract, DeliversEveryFieldOfAMessage) {
  const auto queue = server->open();
  const QueueMessage sent{
      .job_id = "job_\"\\/é\n", .generation = 7, .priority = Priority::bulk, .request_id = "r"};
  queue->publish(sent);
  const auto delivery = queue->receive(surely);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message, sent);
  EXPECT_EQ(delivery->attempt, 1);
  queue->acknowledge(delivery->tag);
  EXPECT_FALSE(queue->receive(at_once));
}

TEST_P(JobQueueContract, DeliversInteractiveMessagesFirstThenInOrder) {
  const auto queue = server->open();
  queue->publish(message("b1", Priority::bulk));
  queue->publish(message("i1"));
  queue->publish(message("b2", Priority::bulk));
  queue->publish(message("i2"));
  EXPECT_EQ(take_all(*queue), (Ids{"i1", "i2", "b1", "b2"}));
}

TEST_P(JobQueueContract, WakesAWaitingReceiveOfTheSameUserAndOfAnother) {
  const auto queue = server->open();
  const auto other = server->open();
  for (JobQueue* consumer : {queue.get(), other.get()}) {
    auto received = std::async(std::launch::async, [&] { return consumer->receive(surely); });
    EXPECT_EQ(received.wait_for(100ms), std::future_status::timeout);
    queue->publish(message("job"));
    const auto delivery = received.get();
    ASSERT_TRUE(delivery);
    consumer->acknowledge(delivery->tag);
  }
}

TEST_P(JobQueueContract, HoldsNoMoreThanThePrefetchForOneUser) {
  const auto queue = server->open({.prefetch = 2});
  const auto other = server->open();
  for (const char* id : {"1", "2", "3"}) {
    queue->publish(message(id));
  }
  const auto first = queue->receive(surely);
  const auto second = queue->receive(surely);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(queue->receive(50ms));
  auto third = std::async(std::launch::async, [&] { return queue->receive(surely); });
  EXPECT_EQ(third.wait_for(50ms), std::future_status::timeout);
  queue->acknowledge(first->tag);
  const auto delivery = third.get();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message.job_id, "3");
  // What one may not take is there for others.
  queue->publish(message("4"));
  const auto fourth = other->receive(surely);
  ASSERT_TRUE(fourth);
  EXPECT_EQ(fourth->attempt, 1);
}

TEST_P(JobQueueContract, CountsAttemptsAndDeadLettersAtTheLimit) {
  const auto queue = server->open({.delivery_limit = 3});
  queue->publish(message("stubborn"));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->message.job_id, "stubborn");
    EXPECT_EQ(delivery->attempt, attempt);
    queue->requeue(delivery->tag);
  }
  queue->publish(message("next"));
  const auto next = queue->receive(surely);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->message.job_id, "next");
  EXPECT_EQ(next->attempt, 1);
  wait_for_dead(*queue, 1);
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message, message("stubborn"));
  EXPECT_EQ(dead[0].attempts, 3);
  EXPECT_NE(dead[0].reason.find("3 times"), std::string::npos) << dead[0].reason;
  EXPECT_LT(abs(system_now() - dead[0].when), 60s);
}

TEST_P(JobQueueContract, LosesNothingByAThousandPostponements) {
  constexpr int postponements = 1000;
  const auto queue = server->open();
  queue->publish(message("patient"));
  queue->publish(message("other", Priority::bulk));
  for (int time = 0; time < postponements; ++time) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    ASSERT_EQ(delivery->message, message("patient"));
    ASSERT_EQ(delivery->attempt, 1);
    queue->postpone(delivery->tag, 0ms);
  }
  const auto delivery = queue->receive(surely);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message, message("patient"));
  EXPECT_EQ(delivery->attempt, 1);
  queue->acknowledge(delivery->tag);
  EXPECT_EQ(take_all(*queue), Ids{"other"});
  const QueueDepth depth = queue->depth();
  EXPECT_EQ(depth.waiting + depth.unacknowledged + depth.dead, 0);
}

TEST_P(JobQueueContract, KeepsCountingRealFailuresBetweenPostponements) {
  const auto queue = server->open({.delivery_limit = 3});
  queue->publish(message("stubborn"));
  for (int attempt = 1; attempt <= 3; ++attempt) {
    for (int time = 0; time < 5; ++time) {
      const auto delivery = queue->receive(surely);
      ASSERT_TRUE(delivery);
      EXPECT_EQ(delivery->attempt, attempt);
      queue->postpone(delivery->tag, 0ms);
    }
    testing::ConsumerProcess(server->url(), 1, 3).kill();
  }
  wait_for_dead(*queue, 1);
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message, message("stubborn"));
  EXPECT_EQ(dead[0].attempts, 3);
  EXPECT_NE(dead[0].reason.find("3 times"), std::string::npos) << dead[0].reason;
}

TEST_P(JobQueueContract, WakesAConsumerForWhatAnotherPostpones) {
  const auto queue = server->open();
  const auto other = server->open();
  queue->publish(message("job"));
  const auto held = queue->receive(surely);
  ASSERT_TRUE(held);
  auto received = std::async(std::launch::async, [&] { return other->receive(surely); });
  EXPECT_EQ(received.wait_for(50ms), std::future_status::timeout);
  queue->postpone(held->tag, 0ms);
  const auto delivery = received.get();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->attempt, 1);
  // A postponed message no longer belongs to this consumer.
  queue->acknowledge(held->tag);
  queue->postpone(held->tag, 0ms);
  EXPECT_FALSE(queue->receive(50ms));
  other->acknowledge(delivery->tag);
  EXPECT_EQ(take_all(*queue), Ids{});
}

TEST_P(JobQueueContract, MayAllowOneAttemptOnly) {
  const auto queue = server->open({.delivery_limit = 1});
  queue->publish(message("once"));
  queue->requeue(queue->receive(surely).value().tag);
  wait_for_dead(*queue, 1);
  EXPECT_EQ(queue->dead_letters(10).at(0).attempts, 1);
}

TEST_P(JobQueueContract, KeepsTheReasonOfADeadLetter) {
  const auto queue = server->open();
  const std::string reason = "The worker was killed by signal 9 – \"out of memory\", 3 times.";
  bury(*queue, "bad", reason);
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message, message("bad"));
  EXPECT_EQ(dead[0].reason, reason);
  EXPECT_EQ(dead[0].attempts, 1);
  EXPECT_LT(abs(system_now() - dead[0].when), 60s);
  EXPECT_FALSE(queue->receive(at_once));
}

TEST_P(JobQueueContract, ListsDeadLettersWithoutLosingAny) {
  const auto queue = server->open();
  for (const char* id : {"1", "2", "3", "4"}) {
    bury(*queue, id, "because");
  }
  for (int time = 0; time < 30; ++time) {
    EXPECT_EQ(ids_of(queue->dead_letters(10)), (Ids{"1", "2", "3", "4"}));
    EXPECT_EQ(ids_of(queue->dead_letters(2)), (Ids{"1", "2"}));
  }
  EXPECT_EQ(queue->depth().dead, 4);
}

TEST_P(JobQueueContract, RedrivesAndPurgesDeadLettersById) {
  const auto queue = server->open();
  for (const char* id : {"1", "2", "3"}) {
    bury(*queue, id, "because");
  }
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_TRUE(queue->redrive(dead[1].id));
  EXPECT_FALSE(queue->redrive(dead[1].id));
  EXPECT_TRUE(queue->purge(dead[0].id));
  EXPECT_FALSE(queue->purge(dead[0].id));
  EXPECT_FALSE(queue->purge("nobody"));
  EXPECT_EQ(ids_of(queue->dead_letters(10)), (Ids{"3"}));
  const auto again = queue->receive(surely);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message, message("2"));
  EXPECT_EQ(again->attempt, 1);
}

TEST_P(JobQueueContract, ReportsItsDepth) {
  const auto queue = server->open();
  bury(*queue, "dead", "because");
  queue->publish(message("1"));
  queue->publish(message("2", Priority::bulk));
  queue->publish(message("3"));
  const auto received = queue->receive(surely);
  ASSERT_TRUE(received);
  QueueDepth depth = queue->depth();
  EXPECT_EQ(depth.waiting, 2);
  EXPECT_EQ(depth.unacknowledged, 1);
  EXPECT_EQ(depth.dead, 1);
  queue->acknowledge(received->tag);
  EXPECT_EQ(queue->depth().unacknowledged, 0);
  queue->check();
}

TEST_P(JobQueueContract, RequeuesMessagesOfAUserThatCloses) {
  const auto queue = server->open();
  queue->publish(message("1"));
  queue->publish(message("2"));
  {
    const auto other = server->open();
    ASSERT_TRUE(other->receive(surely) && other->receive(surely));
  }
  for (const char* id : {"1", "2"}) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->message.job_id, id);
    EXPECT_EQ(delivery->attempt, 2);
  }
}

TEST_P(JobQueueContract, RequeuesMessagesOfAKilledProcessAndNoOthers) {
  const auto queue = server->open();
  for (const char* id : {"1", "2", "3"}) {
    queue->publish(message(id));
  }
  testing::ConsumerProcess consumer(server->url(), 2);
  auto third = queue->receive(surely);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->message.job_id, "3");
  EXPECT_EQ(third->attempt, 1);
  EXPECT_FALSE(queue->receive(50ms));
  consumer.kill();
  std::set<std::string> returned;
  for (int i = 0; i < 2; ++i) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->attempt, 2);
    returned.insert(delivery->message.job_id);
  }
  EXPECT_EQ(returned, (std::set<std::string>{"1", "2"}));
}

TEST_P(JobQueueContract, DeadLettersWhatKillsItsConsumerEveryTime) {
  constexpr int limit = 5;
  const auto queue = server->open({.delivery_limit = limit});
  queue->publish(message("held"));
  const auto held = queue->receive(surely);
  ASSERT_TRUE(held);
  queue->publish(message("killer"));
  for (int attempt = 1; attempt <= limit; ++attempt) {
    testing::ConsumerProcess(server->url(), 1, limit).kill();
  }
  queue->publish(message("next"));
  const auto next = queue->receive(surely);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->message.job_id, "next");
  EXPECT_EQ(next->attempt, 1);
  queue->acknowledge(held->tag);
  queue->acknowledge(next->tag);
  wait_for_dead(*queue, 1);
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message.job_id, "killer");
  EXPECT_EQ(dead[0].attempts, 5);
}

TEST_P(JobQueueContract, IgnoresUnknownTags) {
  const auto queue = server->open();
  queue->publish(message("job"));
  const auto first = queue->receive(surely);
  ASSERT_TRUE(first);
  queue->requeue(first->tag);
  const auto second = queue->receive(surely);
  ASSERT_TRUE(second);
  queue->acknowledge(first->tag);  // settled before: must not affect the current delivery
  queue->dead_letter(first->tag, "never");
  queue->requeue(first->tag);
  queue->acknowledge(987'654'321);
  const QueueDepth depth = queue->depth();
  EXPECT_EQ(depth.unacknowledged, 1);
  EXPECT_EQ(depth.waiting, 0);
  EXPECT_EQ(depth.dead, 0);
}

TEST_P(JobQueueContract, StopsReceiving) {
  const auto queue = server->open();
  std::vector<std::future<std::optional<Delivery>>> consumers;
  for (int i = 0; i < 3; ++i) {
    consumers.push_back(std::async(std::launch::async, [&] { return queue->receive(10min); }));
  }
  EXPECT_EQ(consumers[0].wait_for(100ms), std::future_status::timeout);
  queue->stop_receiving();
  for (auto& consumer : consumers) {
    ASSERT_EQ(consumer.wait_for(surely), std::future_status::ready);
    EXPECT_FALSE(consumer.get());
  }
  queue->publish(message("later"));
  EXPECT_FALSE(queue->receive(10min));
  EXPECT_EQ(queue->depth().waiting, 1);
}

TEST_P(JobQueueContract, DeliversEachMessageOnceToManyConsumers) {
  constexpr int publishers = 8;
  constexpr int consumers = 4;
  constexpr int each = 125;
  const auto gateway = server->open();
  const auto node = server->open();
  std::mutex mutex;
  std::multiset<std::string> received;
  std::atomic<int> left = publishers * each;
  std::vector<std::future<void>> work;
  for (int i = 0; i < publishers; ++i) {
    work.push_back(std::async(std::launch::async, [&, i] {
      for (int j = 0; j < each; ++j) {
        gateway->publish(
            message(std::to_string(i * each + j), j % 2 == 0 ? Priority::interactive : Priority::bulk));
      }
    }));
  }
  for (int i = 0; i < consumers; ++i) {
    work.push_back(std::async(std::launch::async, [&, i] {
      JobQueue& queue = i % 2 == 0 ? *node : *gateway;
      while (left > 0) {
        if (const auto delivery = queue.receive(200ms)) {
          EXPECT_EQ(delivery->attempt, 1);
          queue.acknowledge(delivery->tag);
          --left;
          const std::lock_guard guard(mutex);
          received.insert(delivery->message.job_id);
        }
      }
    }));
  }
  for (auto& part : work) {
    part.get();
  }
  EXPECT_EQ(received.size(), static_cast<std::size_t>(publishers * each));
  EXPECT_EQ(std::set<std::string>(received.begin(), received.end()).size(), received.size());
  const QueueDepth depth = gateway->depth();
  EXPECT_EQ(depth.waiting, 0);
  EXPECT_EQ(depth.dead, 0);
}

INSTANTIATE_TEST_SUITE_P(Queues, JobQueueContract,
                         ::testing::Values(testing::sqlite_kind(), testing::rabbitmq_kind()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace tessera
