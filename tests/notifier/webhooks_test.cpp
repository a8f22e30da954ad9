// SPDX-License-Identifier: Apache-2.0
// Calls to webhooks, as the server that is called sees them.
#include "service/notifier/webhooks.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <set>
#include <sstream>
#include <thread>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "http/server.hpp"
#include "net/crypto.hpp"
#include "servers/server_process.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

const std::string secret = "a secret of the client";

/// A server that a client has named: answers with the statuses given, the last one from then on.
class Receiver {
 public:
  explicit Receiver(std::vector<int> statuses, std::string body = {})
      : statuses_(std::move(statuses)), body_(std::move(body)), server_(options(), routes()) {}

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + "/hook?of=ann";
  }
  /// The next call; none if there is none for that long.
  std::optional<http::Request> next(std::chrono::milliseconds timeout = 30s) {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, timeout, [&] { return !requests_.empty(); })) {
      return std::nullopt;
    }
    http::Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }

 private:
  static http::ServerOptions options() { return {}; }
  http::Router routes() {
    http::Router router;
    router.add({.method = "POST",
                .pattern = "/hook",
                .handler =
                    [this](http::Request& request) {
                      const std::scoped_lock lock(mutex_);
                      const int status = statuses_[std::min(answered_++, statuses_.size() - 1)];
                      requests_.push_back(request);
                      came_.notify_all();
                      return http::text_response(status, body_, "text/plain");
                    },
                .max_body_bytes = 1 << 20});
    return router;
  }

  std::vector<int> statuses_;
  std::string body_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<http::Request> requests_;
  std::size_t answered_ = 0;
  http::Server server_;
};

class Webhooks : public ::testing::Test {
 protected:
  testing::ServerFolder folder;
  StateStore store = open_sqlite_state_store(folder.path() / "state.db", {});

  [[nodiscard]] static WebhookOptions options() {
    WebhookOptions options;
    options.source = "http://tessera.example";
    options.allow_private_addresses = true;
    options.first_pause = 1ms;
    options.poll_interval = 5ms;
    return options;
  }
  /// A job that has ended, of a batch that names `url`.
  Job ended_job(const std::string& url, JobState state = JobState::done, const std::string& owner = "ann") {
    Job job;
    job.id = new_id("job", system_now());
    job.batch_id = new_id("batch", system_now());
    job.owner = owner;
    job.request.object = "uploads/ann/one";
    job.request.name = "one.png";
    job.created = job.updated = system_now();
    store.jobs->create({{job}, {}, url, secret});
    JobChange change;
    change.state = state;
    return store.jobs->change(job.id, 0, change).value();
  }
  /// Waits until no call is left, not even one that waits for its next attempt.
  void expect_settled() {
    // Only reads: claiming a call that is in flight would make it due for the other senders.
    SqliteDatabase database(folder.path() / "state.db");
    const auto has_calls = [&] {
      return SqliteStatement(database, "SELECT 1 FROM state_webhook_calls LIMIT 1").step();
    };
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (has_calls()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(2ms);
    }
  }
};

TEST_F(Webhooks, AreSignedCloudEvents) {
  Receiver receiver({204});
  const Job job = ended_job(receiver.url());
  const WebhookSender sender(options(), *store.jobs);
  const auto call = receiver.next();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->raw_query, "of=ann");
  EXPECT_EQ(call->header("content-type"), "application/cloudevents+json; charset=utf-8");
  const std::string id = call->header("webhook-id");
  const std::string time = call->header("webhook-timestamp");
  EXPECT_EQ(call->header("webhook-signature"),
            "v1," + to_base64(hmac_sha256(secret, id + "." + time + "." + call->body.text())));
  EXPECT_LT(
      std::abs(std::stoll(time) -
               std::chrono::duration_cast<std::chrono::seconds>(system_now().time_since_epoch()).count()),
      60);
  const Json event = Json::parse(call->body.text());
  EXPECT_EQ(event.at("specversion"), "1.0");
  EXPECT_EQ(event.at("id"), id);
  EXPECT_EQ(event.at("source"), "http://tessera.example");
  EXPECT_EQ(event.at("type"), "tessera.job.done");
  EXPECT_EQ(event.at("subject"), job.id);
  EXPECT_EQ(event.at("time"), to_iso8601(job.updated));
  EXPECT_EQ(event.at("data").at("job").at("state"), "done");
  EXPECT_FALSE(event.at("data").at("job").at("request").contains("object"));
  EXPECT_EQ(event.at("data").at("batch_finished"), true);
  expect_settled();
}

TEST_F(Webhooks, AreRetriedUntilTheyAreAnswered) {
  Receiver receiver({500, 302, 429, 200});
  ended_job(receiver.url(), JobState::failed);
  const WebhookSender sender(options(), *store.jobs);
  std::set<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    const auto call = receiver.next();
    ASSERT_TRUE(call) << i;
    ids.insert(call->header("webhook-id"));
  }
  EXPECT_EQ(ids.size(), 1U);
  expect_settled();
  EXPECT_FALSE(receiver.next(0ms));
}

TEST_F(Webhooks, AreDeliveredHoweverLongTheAnswerIs) {
  Receiver receiver({200}, std::string(std::size_t{4} << 20, 'x'));
  ended_job(receiver.url());
  std::promise<bool> attempted;
  WebhookOptions noting = options();
  noting.on_attempt = [&](bool delivered) { attempted.set_value(delivered); };
  const WebhookSender sender(noting, *store.jobs);
  ASSERT_TRUE(receiver.next());
  EXPECT_TRUE(attempted.get_future().get());
  expect_settled();
  EXPECT_FALSE(receiver.next(0ms));
}

TEST_F(Webhooks, ContinueWhenARecordCannotBeRead) {
  Receiver receiver({200});
  const Job poisoned = ended_job(receiver.url());
  const Job sound = ended_job(receiver.url());
  SqliteDatabase database(folder.path() / "state.db");
  SqliteStatement(database, "UPDATE state_jobs SET record='{\"id\": 7}' WHERE id=?", poisoned.id).run();
  const WebhookSender sender(options(), *store.jobs);
  const auto call = receiver.next();
  ASSERT_TRUE(call);
  EXPECT_EQ(Json::parse(call->body.text()).at("subject"), sound.id);
  expect_settled();
  EXPECT_FALSE(receiver.next(0ms));
}

TEST_F(Webhooks, AreGivenUpWhenTheReceiverIsGoneOrNeverResponds) {
  {
    Receiver gone({410});
    ended_job(gone.url());
    const WebhookSender sender(options(), *store.jobs);
    ASSERT_TRUE(gone.next());
    expect_settled();
    EXPECT_FALSE(gone.next(0ms));
  }
  Receiver broken({503});
  ended_job(broken.url());
  WebhookOptions three = options();
  three.max_attempts = 3;
  const WebhookSender sender(three, *store.jobs);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(broken.next()) << i;
  }
  expect_settled();
  EXPECT_FALSE(broken.next(0ms));
}

TEST_F(Webhooks, DoNotReachPrivateAddressesUnlessAllowed) {
  Receiver receiver({200});
  ended_job(receiver.url());
  WebhookOptions strict = options();
  strict.allow_private_addresses = false;
  std::promise<bool> attempted;
  strict.on_attempt = [&](bool delivered) { attempted.set_value(delivered); };
  const WebhookSender sender(strict, *store.jobs);
  EXPECT_FALSE(attempted.get_future().get());
  expect_settled();
  EXPECT_FALSE(receiver.next(0ms));
}

TEST_F(Webhooks, OfASenderThatDiedAreMadeByAnother) {
  Receiver receiver({200});
  ended_job(receiver.url());
  ASSERT_EQ(store.jobs->claim_webhook_calls(50ms, 1).size(), 1U);  // and that one dies
  const WebhookSender sender(options(), *store.jobs);
  ASSERT_TRUE(receiver.next());
  expect_settled();
}

TEST_F(Webhooks, AreObsoleteAfterARetry) {
  Receiver receiver({200});
  const Job job = ended_job(receiver.url(), JobState::failed);
  store.jobs->retry(job.id, 0);
  JobChange change;
  change.state = JobState::cancelled;
  store.jobs->change(job.id, 0, change);
  const WebhookSender sender(options(), *store.jobs);
  const auto call = receiver.next();
  ASSERT_TRUE(call);
  EXPECT_EQ(Json::parse(call->body.text()).at("type"), "tessera.job.cancelled");
  expect_settled();
  EXPECT_FALSE(receiver.next(0ms));
}

/// Takes connections and says nothing, as a receiver does that wants others to wait.
class Tarpit {
 public:
  Tarpit() : server_(options(), routes()) {}
  ~Tarpit() { release(); }
  Tarpit(const Tarpit&) = delete;
  Tarpit& operator=(const Tarpit&) = delete;
  [[nodiscard]] std::string url(const std::string& secret_path = "hook") const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + "/" + secret_path;
  }
  void wait_for(int held) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 30s, [&] { return held_ >= held; }));
  }
  [[nodiscard]] int max_held() {
    const std::scoped_lock lock(mutex_);
    return max_held_;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  static http::ServerOptions options() {
    http::ServerOptions options;
    options.light_threads = 32;
    return options;
  }
  http::Router routes() {
    http::Router router;
    router.add({.method = "POST",
                .pattern = "/{any...}",
                .handler =
                    [this](http::Request&) {
                      std::unique_lock lock(mutex_);
                      max_held_ = std::max(max_held_, ++held_);
                      changed_.notify_all();
                      changed_.wait(lock, [&] { return released_; });
                      --held_;
                      return http::text_response(200, "", "text/plain");
                    },
                .max_body_bytes = 1 << 20});
    return router;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;
  int max_held_ = 0;
  bool released_ = false;
  http::Server server_;
};

TEST_F(Webhooks, OfOneOwnerDoNotWaitForAnothersSlowReceiver) {
  Tarpit tarpit;
  Receiver receiver({200});
  WebhookOptions few = options();
  few.senders = 4;
  few.max_per_owner = 3;
  few.max_per_host = 2;
  few.answer_timeout = 120s;
  for (int i = 0; i < 30; ++i) {
    ended_job(tarpit.url());
  }
  const Job job = ended_job(receiver.url(), JobState::done, "bob");
  const WebhookSender sender(few, *store.jobs);
  tarpit.wait_for(few.max_per_host);
  const auto call = receiver.next();
  ASSERT_TRUE(call) << "bob waits for ann's receiver";
  EXPECT_EQ(Json::parse(call->body.text()).at("subject"), job.id);
  // Again, now that ann's calls have been passed over many times.
  ended_job(receiver.url(), JobState::done, "bob");
  EXPECT_TRUE(receiver.next());
  EXPECT_EQ(tarpit.max_held(), few.max_per_host);
  tarpit.release();
}

TEST_F(Webhooks, AHostThatDoesNotRespondIsPaused) {
  std::atomic<int> attempts{0};
  const std::string unused_url = "http://127.0.0.1:" + std::to_string(testing::free_port()) + "/hook";
  WebhookOptions rests = options();
  rests.unanswered_before_rest = 2;
  rests.first_rest = 3'600s;
  rests.on_attempt = [&](bool delivered) { attempts += delivered ? 0 : 1; };
  for (int i = 0; i < 20; ++i) {
    ended_job(unused_url);
  }
  Receiver receiver({200});
  {
    const WebhookSender sender(rests, *store.jobs);
    while (attempts < rests.unanswered_before_rest) {
      std::this_thread::yield();
    }
    ended_job(receiver.url());
    EXPECT_TRUE(receiver.next());
  }
  // Some were on their way when the host had been silent often enough, but not all twenty.
  EXPECT_LE(attempts, rests.unanswered_before_rest + rests.max_per_host + 1);
}

TEST_F(Webhooks, DoNotLogTheirUrls) {
  std::ostringstream said;
  WebhookOptions logging = options();
  logging.log =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said));
  logging.max_attempts = 2;
  Receiver broken({500});
  ended_job(broken.url() + "&key=SECRET");
  ended_job("http://127.0.0.1:" + std::to_string(testing::free_port()) + "/SECRET?SECRET");
  std::atomic<int> attempts{0};
  logging.on_attempt = [&](bool) { ++attempts; };
  {
    const WebhookSender sender(logging, *store.jobs);
    while (attempts < 2 * logging.max_attempts) {
      std::this_thread::yield();
    }
  }
  EXPECT_NE(said.str().find("'http://127.0.0.1:"), std::string::npos) << said.str();
  EXPECT_EQ(said.str().find("SECRET"), std::string::npos) << said.str();
}

}  // namespace
}  // namespace tessera::service
