// The distributed system: gateway, node and notifier as processes of their own, on a real broker, Redis and
// an S3 server.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>

#include "servers/rabbitmq_server.hpp"
#include "servers/redis_server.hpp"
#include "servers/s3_server.hpp"
#include "service/journey.hpp"
#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

class Distributed : public ::testing::Test {
 protected:
  void SetUp() override {
    notifier = start("notifier", notifier_port, {"--listen", fmt::format("127.0.0.1:{}", notifier_port)});
    gateway = start_gateway();
    node = start_node("node");
    while (ask(gateway_port, "GET", "/readyz").status != 200) {
      std::this_thread::yield();
    }
  }

  std::unique_ptr<ServerProcess> start(const std::string& what, int port,
                                       const std::vector<std::string>& more) {
    auto process = launch(what, more);
    process->wait_until_ready(port);
    return process;
  }
  std::unique_ptr<ServerProcess> start_gateway() {
    return start("gateway", gateway_port,
                 {"--listen", fmt::format("127.0.0.1:{}", gateway_port), "--notifier-url",
                  fmt::format("http://127.0.0.1:{}", notifier_port)});
  }
  std::unique_ptr<ServerProcess> start_node(const std::string& log) {
    return launch("node", {"--ranks", "2", "--threads", "1", "--drain-limit", "1"}, log);
  }
  std::unique_ptr<ServerProcess> launch(const std::string& what, const std::vector<std::string>& more,
                                        const std::string& log = {}) {
    std::vector<std::string> command{TESSERA_PROGRAM, what,      "--queue", broker.url(),   "--state",
                                     redis.url(),     "--store", s3.url(),  "--log-format", "json"};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<ServerProcess>(command, ServerProcess::Environment{},
                                           folder.path() / (log.empty() ? what : log));
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", gateway_port); }
  Json batch_of_photographs(int count, const std::string& pipeline) {
    const std::string object = upload(gateway_port, read_file(photographs(2).back()));
    Json items = Json::array();
    for (int i = 0; i < count; ++i) {
      items.push_back({{"object", object}, {"name", fmt::format("{}.png", i)}});
    }
    return json_of(send_json(gateway_port, "POST", "/v1/jobs", {{"items", items}, {"pipeline", pipeline}}));
  }
  void expect_all_done(const Json& batch, int count) {
    follow_batch(notifier_port, gateway_port, batch.at("id"));
    const Json after = json_of(ask(gateway_port, "GET", "/v1/batches/" + batch.at("id").get<std::string>()));
    EXPECT_EQ(after.at("counts").at("done"), count) << after;
  }
  void wait_until_running(const Json& batch) {
    while (json_of(ask(gateway_port, "GET", "/v1/batches/" + batch.at("id").get<std::string>()))
               .at("counts")
               .at("running") == 0) {
      std::this_thread::yield();
    }
  }

  ServerFolder folder;
  RabbitMqServer broker;
  RedisServer redis;
  S3Server s3{S3Kind::s3rver};
  int gateway_port = free_port();
  int notifier_port = free_port();
  std::unique_ptr<ServerProcess> notifier;
  std::unique_ptr<ServerProcess> gateway;
  std::unique_ptr<ServerProcess> node;
};

// One test, as a broker takes ten seconds to start.
TEST_F(Distributed, WorksAndSurvivesTheLossOfEachPart) {
  expect_three_clients_get_what_apply_makes(url(), gateway_port, folder.path());

  // A node is killed in the midst of its work, another takes it up.
  Json batch = batch_of_photographs(6, "non-local-means search-radius=16");
  wait_until_running(batch);
  node->kill();
  node = start_node("node-2");
  expect_all_done(batch, 6);

  // A node is told to stop: it gives back what it cannot finish.
  batch = batch_of_photographs(6, "non-local-means search-radius=16");
  wait_until_running(batch);
  node->stop();
  node = start_node("node-3");
  expect_all_done(batch, 6);

  // Redis is killed and comes back.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  redis.kill();
  redis.start();
  expect_all_done(batch, 3);

  // The broker is killed and comes back: what it had confirmed is there.
  broker.wait_until_noted("tessera.interactive");
  batch = batch_of_photographs(4, "non-local-means search-radius=16");
  wait_until_running(batch);
  broker.kill();
  broker.start();
  expect_all_done(batch, 4);

  // The notifier is killed while a client waits for events, and comes back: the client has missed nothing.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  auto client = std::async(std::launch::async, [&] {
    return tessera({"watch", "--server", url(), batch.at("id").get<std::string>()});
  });
  wait_until_running(batch);
  notifier->kill();
  notifier = start("notifier", notifier_port, {"--listen", fmt::format("127.0.0.1:{}", notifier_port)});
  const CommandOutcome watched = client.get();
  EXPECT_EQ(watched.exit_code, 0) << watched.err;

  // The gateway is killed and comes back.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  gateway->kill();
  gateway = start_gateway();
  expect_all_done(batch, 3);
}

}  // namespace
}  // namespace tessera::testing
