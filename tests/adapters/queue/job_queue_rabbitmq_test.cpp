// SPDX-License-Identifier: Apache-2.0
// RabbitMQ-specific behaviour: brokers that die, stop responding and come back, and foreign clients.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "adapters/open.hpp"
#include "adapters/queue/queue_server.hpp"
#include "adapters/rabbitmq/broker_address.hpp"
#include "adapters/rabbitmq/connection.hpp"
#include "base/error.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::broker;
using testing::message;

constexpr auto surely = 60s;

/// The sentence of the Error(unavailable) that the action throws.
template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

bool answers(JobQueue& queue) {
  try {
    queue.check();
    return true;
  } catch (const Error&) {
    return false;
  }
}

void wait_until_it_answers(JobQueue& queue) {
  const auto deadline = std::chrono::steady_clock::now() + surely;
  while (!answers(queue)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::sleep_for(20ms);  // there is no notification
  }
}

class RabbitMqJobQueueTest : public ::testing::Test {
 protected:
  const std::string prefix = testing::new_prefix();
  const std::string url = broker().url() + "&prefix=" + prefix;
  const BrokerAddress address = parse_broker_url(url);
  const BrokerNames names{prefix};
};

TEST_F(RabbitMqJobQueueTest, KeepsWhatWasConfirmedWhenTheBrokerIsKilled) {
  const auto gateway = open_job_queue(url, {.publish_timeout = 2s});
  const auto patient = open_job_queue(url, {.publish_timeout = 60s});
  const auto node = open_job_queue(url, {});
  std::set<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(i);
    gateway->publish(message(id, i % 2 == 0 ? Priority::interactive : Priority::bulk));
    sent.insert(id);
  }
  const auto held = node->receive(surely);
  const auto ended = node->receive(surely);
  const auto bad = node->receive(surely);
  ASSERT_TRUE(held && ended && bad);
  node->acknowledge(ended->tag);
  node->dead_letter(bad->tag, "It is bad.");
  sent.erase(ended->message.job_id);
  sent.erase(bad->message.job_id);
  EXPECT_EQ(node->depth().unacknowledged, 1);  // so the acknowledgement has been sent, too

  broker().make_durable({names.interactive, names.bulk, names.dead});
  broker().kill();
  EXPECT_NE(refusal([&] { gateway->publish(message("lost")); }).find("lost"), std::string::npos);
  EXPECT_FALSE(answers(*gateway));
  EXPECT_FALSE(node->receive(50ms));
  auto late = std::async(std::launch::async, [&] { patient->publish(message("late")); });
  auto waiting = std::async(std::launch::async, [&] { return node->receive(surely); });
  broker().start();
  late.get();
  sent.insert("late");

  // Stale tags change nothing, and the connection survives them.
  const auto first = waiting.get();
  ASSERT_TRUE(first);
  node->acknowledge(held->tag);
  node->requeue(held->tag);
  node->dead_letter(held->tag, "never");
  node->acknowledge(first->tag);
  std::multiset<std::string> received{first->message.job_id};
  const auto deadline = std::chrono::steady_clock::now() + surely;
  while (received.size() < sent.size() && std::chrono::steady_clock::now() < deadline) {
    if (const auto delivery = node->receive(1s)) {
      received.insert(delivery->message.job_id);
      node->acknowledge(delivery->tag);
    }
  }
  EXPECT_FALSE(node->receive(600ms));
  EXPECT_EQ(std::set<std::string>(received.begin(), received.end()), sent);
  EXPECT_EQ(received.size(), sent.size());
  const auto dead = node->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].reason, "It is bad.");
  wait_until_it_answers(*gateway);
  gateway->publish(message("again"));
}

TEST_F(RabbitMqJobQueueTest, TimesOutOnASilentBrokerAndRecovers) {
  const auto queue = open_job_queue(url, {.publish_timeout = 2s});
  wait_until_it_answers(*queue);
  queue->publish(message("1"));
  broker().suspend();
  refusal([&] { queue->publish(message("2")); });
  refusal([&] { queue->check(); });
  static_cast<void>(queue->receive(50ms));
  broker().resume();
  wait_until_it_answers(*queue);
  std::set<std::string> received;
  while (!received.contains("1")) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    received.insert(delivery->message.job_id);
    queue->acknowledge(delivery->tag);
  }
}

TEST_F(RabbitMqJobQueueTest, HoldsAMessageForManyHeartbeats) {
  const std::string quick = broker().url() + "&heartbeat=1&prefix=" + prefix;
  const auto node = open_job_queue(quick, {});
  const auto other = open_job_queue(quick, {});
  node->publish(message("long"));
  const auto delivery = node->receive(surely);
  ASSERT_TRUE(delivery);
  EXPECT_FALSE(other->receive(5s));  // it would come here if the connection broke
  node->acknowledge(delivery->tag);
  EXPECT_EQ(node->depth().unacknowledged, 0);
  EXPECT_FALSE(other->receive(600ms));
}

TEST_F(RabbitMqJobQueueTest, ReportsALowMemoryBrokerWhileConsumersContinue) {
  const auto queue = open_job_queue(url, {.publish_timeout = 2s});
  wait_until_it_answers(*queue);
  queue->publish(message("1"));
  queue->publish(message("2"));
  const auto first = queue->receive(surely);
  ASSERT_TRUE(first);
  broker().control("set_vm_memory_high_watermark 0");
  const std::string sentence = refusal([&] { queue->publish(message("3")); });
  EXPECT_NE(sentence.find("memory"), std::string::npos) << sentence;
  refusal([&] { queue->publish(message("4")); });
  queue->acknowledge(first->tag);
  const auto second = queue->receive(surely);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message.job_id, "2");
  queue->requeue(second->tag);
  const auto again = queue->receive(surely);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 2);
  EXPECT_EQ(queue->depth().unacknowledged, 1);
  broker().control("set_vm_memory_high_watermark 0.4");
  // The one that was on its way when the broker stopped reading is in the queue, the later one was not sent.
  const auto third = queue->receive(surely);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->message.job_id, "3");
  EXPECT_FALSE(queue->receive(0ms));
  queue->publish(message("5"));
}

TEST_F(RabbitMqJobQueueTest, ReportsWhyAuthenticationFails) {
  const auto reason = [](const std::string& address_text) {
    return refusal([&] { open_job_queue(address_text, {.publish_timeout = 5s})->check(); });
  };
  std::string changed = url;
  const std::string password = reason(changed.replace(changed.find(":guest@"), 7, ":secret@"));
  EXPECT_NE(password.find("ACCESS_REFUSED"), std::string::npos) << password;
  EXPECT_EQ(password.find("secret"), std::string::npos) << password;
  changed = url;
  const std::string vhost = reason(changed.replace(changed.find("/?"), 2, "/nowhere?"));
  EXPECT_NE(vhost.find("nowhere"), std::string::npos) << vhost;
  const std::string port = reason("amqp://127.0.0.1:" + std::to_string(testing::free_port()));
  EXPECT_NE(port.find("connect"), std::string::npos) << port;
}

TEST_F(RabbitMqJobQueueTest, ReportsADifferentDeliveryLimit) {
  const auto queue = open_job_queue(url, {.delivery_limit = 5});
  queue->check();
  const std::string sentence = refusal([&] { open_job_queue(url, {.delivery_limit = 6})->check(); });
  EXPECT_NE(sentence.find("delivery limit"), std::string::npos) << sentence;
}

TEST_F(RabbitMqJobQueueTest, ConnectsByTlsToVerifiedBrokersOnly) {
  const std::string tls = broker().tls_url() + "&prefix=" + prefix;
  const auto queue = open_job_queue(tls + "&cacertfile=" + broker().ca_file(), {});
  queue->publish(message("secret"));
  const auto delivery = queue->receive(surely);
  ASSERT_TRUE(delivery);
  queue->acknowledge(delivery->tag);
  EXPECT_EQ(queue->dead_letters(1).size(), 0U);
  const auto at = [&](const char* host) {
    std::string result = tls + "&cacertfile=" + broker().ca_file();
    return result.replace(result.find("127.0.0.1"), 9, host);
  };
  open_job_queue(at("localhost"), {.publish_timeout = 5s})->check();
  // The certificate does not name this address, at which the broker listens, too.
  const std::string address_text =
      refusal([&] { open_job_queue(at("127.0.0.2"), {.publish_timeout = 5s})->check(); });
  EXPECT_NE(address_text.find("SSL"), std::string::npos) << address_text;
  // The system knows nothing of this authority.
  refusal([&] { open_job_queue(tls, {.publish_timeout = 5s})->check(); });
  refusal([&] { open_job_queue(tls + "&cacertfile=/no/such/file", {.publish_timeout = 5s})->check(); });
}

TEST_F(RabbitMqJobQueueTest, DeadLettersForeignMessages) {
  const auto queue = open_job_queue(url, {});
  queue->check();
  BrokerConnection foreign(address);
  foreign.open_channel(1);
  foreign.publish(1, names.interactive, {.id = "foreign", .body = "hello"});
  foreign.close();
  queue->publish(message("ours"));
  const auto delivery = queue->receive(surely);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message.job_id, "ours");
  const auto dead = queue->dead_letters(10);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].id, "foreign");
  EXPECT_NE(dead[0].reason.find("not a Tessera message"), std::string::npos) << dead[0].reason;
  EXPECT_THROW(queue->redrive("foreign"), Error);
  EXPECT_TRUE(queue->purge("foreign"));
}

TEST_F(RabbitMqJobQueueTest, RejectsAMessageWithoutAQueueAndDeclaresTheQueueAgain) {
  const auto queue = open_job_queue(url, {});
  queue->publish(message("1"));
  BrokerConnection foreign(address);
  foreign.open_channel(1);
  foreign.remove_queue(1, names.bulk);
  const std::string sentence = refusal([&] { queue->publish(message("2", Priority::bulk)); });
  EXPECT_NE(sentence.find(names.bulk), std::string::npos) << sentence;
  wait_until_it_answers(*queue);
  queue->publish(message("3", Priority::bulk));
  EXPECT_EQ(queue->depth().waiting, 2);
}

TEST_F(RabbitMqJobQueueTest, ContinuesWithOneQueueWhileTheOtherHasNoLeader) {
  const auto queue = open_job_queue(url, {.publish_timeout = 2s});
  queue->publish(message("held"));
  queue->publish(message("stuck", Priority::bulk));
  const auto held = queue->receive(surely);
  ASSERT_TRUE(held);
  const std::string server = "quorum_queues, {list_to_atom(\"%2F_" + names.bulk + "\"), node()}";
  broker().control("eval 'ra:stop_server(" + server + ").'");
  refusal([&] { queue->publish(message("late", Priority::bulk)); });
  // Looking into the queue without a leader ends its connection, and nothing else.
  EXPECT_FALSE(queue->receive(100ms));
  for (int time = 0; time < 5; ++time) {
    queue->publish(message("interactive"));
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    EXPECT_EQ(delivery->message.job_id, "interactive");
    EXPECT_EQ(delivery->attempt, 1);
    queue->acknowledge(delivery->tag);
    EXPECT_FALSE(queue->receive(10ms));
  }
  queue->postpone(held->tag, 0ms);
  const auto again = queue->receive(surely);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message.job_id, "held");
  EXPECT_EQ(again->attempt, 1) << "its connection was never lost";
  queue->acknowledge(again->tag);
  broker().control("eval 'ra:restart_server(" + server + ").'");
  std::set<std::string> received;
  while (!received.contains("stuck")) {
    const auto delivery = queue->receive(surely);
    ASSERT_TRUE(delivery);
    received.insert(delivery->message.job_id);
    queue->acknowledge(delivery->tag);
  }
}

TEST_F(RabbitMqJobQueueTest, PostponesNothingTwiceWhileTheBrokerIsBlocked) {
  const auto queue = open_job_queue(url, {.publish_timeout = 500ms});
  wait_until_it_answers(*queue);
  queue->publish(message("1"));
  const auto delivery = queue->receive(surely);
  ASSERT_TRUE(delivery);
  broker().control("set_vm_memory_high_watermark 0");
  for (int time = 0; time < 3; ++time) {
    const std::string sentence = refusal([&] { queue->postpone(delivery->tag, 0ms); });
    EXPECT_NE(sentence.find("remains unacknowledged"), std::string::npos) << sentence;
  }
  EXPECT_EQ(queue->depth().unacknowledged, 1);
  broker().control("set_vm_memory_high_watermark 0.4");
  const auto deadline = std::chrono::steady_clock::now() + surely;
  bool postponed = false;
  while (!postponed && std::chrono::steady_clock::now() < deadline) {
    try {
      queue->postpone(delivery->tag, 0ms);
      postponed = true;
    } catch (const Error&) {
    }
  }
  const auto again = queue->receive(surely);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->attempt, 1);
  queue->acknowledge(again->tag);
  EXPECT_FALSE(queue->receive(600ms));
}

TEST_F(RabbitMqJobQueueTest, LosesNoDeadLetterToConcurrentReaders) {
  const auto queue = open_job_queue(url, {});
  for (int i = 0; i < 5; ++i) {
    queue->publish(message(std::to_string(i)));
    queue->dead_letter(queue->receive(surely).value().tag, "because");
  }
  const auto other = open_job_queue(url, {});
  std::vector<std::future<void>> lookers;
  for (int i = 0; i < 3; ++i) {
    lookers.push_back(std::async(std::launch::async, [&] {
      for (int time = 0; time < 3; ++time) {
        EXPECT_EQ(other->dead_letters(10).size(), 5U);
      }
    }));
  }
  for (auto& looker : lookers) {
    looker.get();
  }
  const auto letters = queue->dead_letters(10);
  ASSERT_EQ(letters.size(), 5U);
  EXPECT_TRUE(other->redrive(letters[3].id));
  EXPECT_EQ(queue->depth().dead, 4);
}

TEST(RabbitMqPublishing, WaitsOnceForAnUnavailableBrokerForAnyNumberOfMessages) {
  const auto queue =
      open_job_queue("amqp://guest:guest@127.0.0.1:" + std::to_string(testing::free_port()) + "/",
                     {.publish_timeout = 500ms});
  const std::vector<QueueMessage> messages(1000, message("job"));
  const auto begin = std::chrono::steady_clock::now();
  const JobQueue::Published published = queue->publish_all(messages);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 250s) << "one after the other, it would be 500 s";
  EXPECT_EQ(published.count, 0U);
  EXPECT_NE(published.problem.find("did not confirm the message of job 'job' within 500ms"),
            std::string::npos)
      << published.problem;
}

TEST(BrokerUrl, IsParsed) {
  const BrokerAddress plain = parse_broker_url("amqp://broker");
  EXPECT_EQ(plain.host, "broker");
  EXPECT_EQ(plain.port, 5672);
  EXPECT_EQ(plain.user, "guest");
  EXPECT_EQ(plain.password, "guest");
  EXPECT_EQ(plain.vhost, "/");
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(parse_broker_url("amqp://broker/").vhost, "/");
  EXPECT_EQ(parse_broker_url("amqp://broker/%2F").vhost, "/");
  EXPECT_EQ(parse_broker_url("amqp://broker/a%2fb").vhost, "a/b");
  const BrokerAddress full = parse_broker_url(
      "amqps://me%40home:p%3Aw%2F@[::1]:1234/images?heartbeat=7&connection_timeout=900&cacertfile=/etc/"
      "ca.pem&"
      "certfile=c&keyfile=k&prefix=left");
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.port, 1234);
  EXPECT_EQ(full.user, "me@home");
  EXPECT_EQ(full.password, "p:w/");
  EXPECT_EQ(full.vhost, "images");
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(full.heartbeat, 7s);
  EXPECT_EQ(full.connect_timeout, 900ms);
  EXPECT_EQ(full.ca_file, "/etc/ca.pem");
  EXPECT_EQ(full.certificate_file, "c");
  EXPECT_EQ(full.key_file, "k");
  EXPECT_EQ(full.prefix, "left");
  EXPECT_EQ(full.shown().find("p:w"), std::string::npos);
  EXPECT_EQ(parse_broker_url("amqps://broker").port, 5671);
}

TEST(BrokerUrl, ListsTheBrokersOfACluster) {
  const auto brokers = parse_broker_urls("amqps://me:a,b@one,two:1234,[::1]/images?prefix=left");
  ASSERT_EQ(brokers.size(), 3U);
  EXPECT_EQ(brokers[0].host, "one");
  EXPECT_EQ(brokers[0].port, 5671);
  EXPECT_EQ(brokers[1].host, "two");
  EXPECT_EQ(brokers[1].port, 1234);
  EXPECT_EQ(brokers[2].host, "::1");
  for (const BrokerAddress& broker : brokers) {
    EXPECT_EQ(broker.password, "a,b");
    EXPECT_EQ(broker.vhost, "images");
    EXPECT_EQ(broker.prefix, "left");
  }
}

TEST(BrokerUrl, IsUsedInTurn) {
  BrokerAddresses brokers(parse_broker_urls("amqp://a,b,c"));
  std::set<std::string> used;
  for (int i = 0; i < 3; ++i) {
    used.insert(brokers.current().host);
    brokers.advance();
  }
  EXPECT_EQ(used, (std::set<std::string>{"a", "b", "c"}));
}

TEST(BrokerUrl, IsRefusedWithTheReason) {
  for (const char* url :
       {"amqp://", "amqp://:5672", "amqp://b:99999", "amqp://b/a/b", "amqp://b?heartbeat=0",
        "amqp://b?heartbeat=x", "amqp://b?colour=red", "amqp://b?certfile=c", "amqp://u:secret@b c",
        "amqp://u:secret@b:x", "amqp://u:secret@a,,b", "amqp://u:secret@a,"}) {
    try {
      static_cast<void>(parse_broker_urls(url));
      ADD_FAILURE() << url;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << url;
      EXPECT_EQ(std::string_view(error.what()).find("secret"), std::string_view::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace tessera
