// SPDX-License-Identifier: Apache-2.0
// The distributed system: gateway, node and notifier as processes of their own, on a real broker, Redis and
// an S3 server.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "servers/distributed_service.hpp"
#include "servers/s3_server.hpp"
#include "service/journey.hpp"
#include "service/service_process.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

class Distributed : public ::testing::Test {
 protected:
  Json batch_of_photographs(int count, const std::string& pipeline) {
    const std::string object = upload(service.gateway_port(), read_file(photographs(2).back()));
    Json items = Json::array();
    for (int i = 0; i < count; ++i) {
      items.push_back({{"object", object}, {"name", fmt::format("{}.png", i)}});
    }
    return json_of(
        send_json(service.gateway_port(), "POST", "/v1/jobs", {{"items", items}, {"pipeline", pipeline}}));
  }
  void expect_all_done(const Json& batch, int count) {
    follow_batch(service.notifier_port(), service.gateway_port(), batch.at("id"));
    const Json after =
        json_of(ask(service.gateway_port(), "GET", "/v1/batches/" + batch.at("id").get<std::string>()));
    EXPECT_EQ(after.at("counts").at("done"), count) << after;
  }
  void wait_until_running(const Json& batch) {
    const std::string path = "/v1/batches/" + batch.at("id").get<std::string>();
    // On a fast machine all of it may be over between two looks.
    ASSERT_TRUE(poll_until([&] {
      const Json counts = json_of(ask(service.gateway_port(), "GET", path)).at("counts");
      return counts.at("running") > 0 || counts.at("done") == batch.at("jobs").size();
    }));
  }

  S3Server s3{S3Kind::s3rver};
  DistributedService service{s3.url()};
};

// One test, as a broker takes ten seconds to start.
TEST_F(Distributed, WorksAndSurvivesTheLossOfEachPart) {
  expect_three_clients_get_what_apply_makes(service.url(), service.gateway_port(), service.folder());

  // A node is killed in the midst of its work, another takes it up.
  Json batch = batch_of_photographs(6, "non-local-means search-radius=16");
  wait_until_running(batch);
  service.node().kill();
  service.start_node();
  expect_all_done(batch, 6);

  // A node is stopped: it requeues what it cannot finish.
  batch = batch_of_photographs(6, "non-local-means search-radius=16");
  wait_until_running(batch);
  service.node().stop();
  service.start_node();
  expect_all_done(batch, 6);

  // Redis is killed and comes back.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  service.redis().kill();
  service.redis().start();
  expect_all_done(batch, 3);

  // The broker is killed and comes back: what it had confirmed is there.
  service.broker().make_durable({"tessera.interactive", "tessera.bulk", "tessera.dead"});
  batch = batch_of_photographs(4, "non-local-means search-radius=16");
  wait_until_running(batch);
  service.broker().kill();
  service.broker().start();
  expect_all_done(batch, 4);

  // The notifier is killed while a client waits for events, and comes back: the client has missed nothing.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  auto client = std::async(std::launch::async, [&] {
    return tessera({"watch", "--server", service.url(), batch.at("id").get<std::string>()});
  });
  wait_until_running(batch);
  service.notifier().kill();
  service.start_notifier();
  const CommandOutcome watched = client.get();
  EXPECT_EQ(watched.exit_code, 0) << watched.err;

  // The gateway is killed and comes back.
  batch = batch_of_photographs(3, "non-local-means search-radius=16");
  service.gateway().kill();
  service.start_gateway();
  expect_all_done(batch, 3);
}

}  // namespace
}  // namespace tessera::testing
