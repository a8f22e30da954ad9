// SPDX-License-Identifier: Apache-2.0
// What the gateway does with its clock and its limits, over real stores.
#include <gtest/gtest.h>

#include <thread>

#include "gateway/gateway_fixture.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using testing::Answer;

TEST_F(GatewayTest, RejectsJobsWhenTooManyWait) {
  options.max_queued_jobs = 2;
  start();
  EXPECT_EQ(submit().status, 202);
  const std::string second = job_of(submit());
  Answer refused = submit();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["retry-after"], "5");
  const Json problem = Json::parse(refused.body);
  EXPECT_EQ(problem.at("type"), "/problems/busy");
  EXPECT_EQ(problem.at("detail"), "2 jobs are waiting, and the limit is 2; try again later.");
  finish(second);
  EXPECT_EQ(submit().status, 202);
}

TEST_F(GatewayTest, RemovesExpiredJobsWithTheirResults) {
  options.job_lifetime = 24h;
  start();
  const std::string done = job_of(submit());
  const std::string waiting = job_of(submit());
  finish(done);
  now += 24h;
  gateway->reconcile();
  EXPECT_EQ(get("/v1/jobs/" + done).status, 200);
  now += 1ms;
  gateway->reconcile();
  EXPECT_EQ(get("/v1/jobs/" + done).status, 404);
  EXPECT_FALSE(objects->stat("results/local/" + done));
  EXPECT_EQ(get("/v1/jobs/" + waiting).status, 200);
}

TEST_F(GatewayTest, RemovesAllExpiredJobsInARound) {
  options.job_lifetime = 24h;
  start();
  constexpr int more_than_two_pages = 450;
  Json items = Json::array();
  for (int i = 0; i < more_than_two_pages; ++i) {
    items.push_back({{"object", photo_name}, {"name", "photo.ppm"}, {"pipeline", "invert"}});
  }
  const testing::Answer answer =
      testing::ask(server->port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}},
                   Json{{"items", items}}.dump());
  ASSERT_EQ(answer.status, 202) << answer.body;
  std::vector<std::string> ids;
  for (const Json& job : Json::parse(answer.body).at("jobs")) {
    ids.push_back(job.at("id"));
    finish(ids.back());
  }
  now += 24h + 1ms;
  gateway->reconcile();
  EXPECT_EQ(state.jobs->count(JobState::done), 0);
  for (const std::string& id : ids) {
    EXPECT_FALSE(objects->stat("results/local/" + id)) << id;
  }
}

TEST_F(GatewayTest, RemovesExpiredUploadsUnlessAJobNeedsThem) {
  options.upload_lifetime = 48h;
  options.upload_sweep_interval = 0ms;
  start();
  const std::string job = job_of(submit());
  now += 49h;
  put("uploads/local/fresh");
  std::filesystem::last_write_time(*objects->local_file("uploads/local/fresh"),
                                   std::filesystem::file_time_type::clock::now() + 49h);
  gateway->reconcile();
  EXPECT_TRUE(objects->stat(photo_name)) << "a job waits for it";
  finish(job);
  gateway->reconcile();
  EXPECT_FALSE(objects->stat(photo_name));
  EXPECT_TRUE(objects->stat("uploads/local/fresh"));
}

TEST_F(GatewayTest, PublishesUnpublishedJobsAfterACrash) {
  options.unpublished_timeout = 5s;
  start();
  Job job;
  job.id = new_id("job", now);
  job.batch_id = new_id("batch", now);
  job.owner = "local";
  job.request.object = photo_name;
  job.created = job.updated = now;
  state.jobs->create({{job}, {}, {}, {}});
  gateway->reconcile();
  EXPECT_EQ(queue->depth().waiting, 0) << "whoever accepted it may just be about to";
  now += 6s;
  gateway->reconcile();
  gateway->reconcile();
  EXPECT_EQ(queue->depth().waiting, 1);
  EXPECT_EQ(queue->receive(0ms)->message.job_id, job.id);
}

TEST_F(GatewayTest, TakesPresetsByNameInTextAndJson) {
  options.presets = parse_presets(R"({"presets": {"soft": "gaussian-blur sigma=2 | gamma gamma=1.1"}})");
  start();
  for (const Json& pipeline : {Json("@soft | invert"), Json{{"preset", "soft"}}}) {
    const Answer answer = submit({{"pipeline", pipeline}});
    ASSERT_EQ(answer.status, 202) << answer.body;
    const Json operators =
        Json::parse(answer.body).at("jobs")[0].at("request").at("pipeline").at("operators");
    EXPECT_EQ(operators[0].at("name"), "gaussian-blur") << operators;
    EXPECT_EQ(operators[1].at("name"), "gamma") << operators;
  }
  const Answer unknown = submit({{"pipeline", {{"preset", "sotf"}}}});
  EXPECT_EQ(unknown.status, 400) << unknown.body;
  EXPECT_NE(unknown.body.find("sotf"), std::string::npos) << unknown.body;
}

TEST_F(GatewayTest, IsNotReadyWithoutNodesOrProgress) {
  options.progress_timeout = 0ms;
  start();
  gateway->reconcile();
  const auto part = [&](const char* name) -> std::string {
    return Json::parse(get("/readyz").body).at("parts").at(name);
  };
  // It is checked in the background, repeatedly.
  const auto becomes = [&](const char* name, const std::string& wanted) {
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (part(name) != wanted && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
    return part(name) == wanted;
  };
  EXPECT_TRUE(becomes("nodes", "ready"));
  registry.announce({"node_1", "here", "1", {{"state", "unhealthy"}}, now}, 1h);
  EXPECT_TRUE(becomes("nodes", "No processing node is healthy: jobs wait until one is."));
  registry.withdraw("node_1");
  EXPECT_TRUE(becomes("nodes", "There is no processing node: jobs wait until one is available."));
  Answer answer = get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers["retry-after"], "5");
  EXPECT_EQ(Json::parse(answer.body).at("ready"), false);

  const std::string job = job_of(submit());
  gateway->reconcile();  // sees that something has happened
  gateway->reconcile();  // and now nothing
  EXPECT_EQ(part("progress"), "Jobs wait, and none has made progress for 0 minutes.");
  EXPECT_TRUE(becomes("queue", "ready"));
  EXPECT_TRUE(becomes("state", "ready"));
  EXPECT_TRUE(becomes("store", "ready"));
}

TEST_F(GatewayTest, ShowsReasonsForUnavailablePartsOnlyInTheLog) {
  start();
  std::filesystem::rename(folder.path() / "objects", folder.path() / "elsewhere");
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  std::string store = "ready";
  while (store != "It does not respond correctly; the gateway's log has the reason." &&
         std::chrono::steady_clock::now() < give_up) {
    const Answer answer = get("/readyz");
    EXPECT_EQ(answer.body.find(folder.path().string()), std::string::npos) << answer.body;
    store = Json::parse(answer.body).at("parts").at("store");
  }
  EXPECT_EQ(store, "It does not respond correctly; the gateway's log has the reason.");
}

TEST_F(GatewayTest, IsReadyWhileJobsMakeProgress) {
  options.progress_timeout = 1h;
  start();
  const std::string job = job_of(submit());
  gateway->reconcile();
  gateway->reconcile();
  Answer answer = get("/readyz");
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (answer.status != 200 && std::chrono::steady_clock::now() < give_up) {
    answer = get("/readyz");
  }
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST_F(GatewayTest, ReportsMetricsOfQueueJobsAndNodes) {
  start();
  Metrics metrics;
  gateway->watch(metrics);
  EXPECT_EQ(submit().status, 202);
  registry.announce(
      {"node_2",
       "there",
       "1",
       {{"state", "ready"}, {"ranks", {{{"busy", true}}, {{"busy", false}}, {{"busy", false}}}}},
       now},
      1h);
  const std::string text = metrics.text();
  for (const char* line :
       {"tessera_queue_messages{state=\"waiting\"} 1\n", "tessera_queue_messages{state=\"dead\"} 0\n",
        "tessera_jobs{state=\"queued\"} 1\n", "tessera_jobs{state=\"done\"} 0\n",
        "tessera_nodes{state=\"ready\"} 2\n", "tessera_ranks{state=\"busy\"} 1\n",
        "tessera_ranks{state=\"idle\"} 2\n", "# TYPE tessera_jobs gauge\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  gateway.reset();
  EXPECT_NE(metrics.text().find("tessera_jobs"), std::string::npos);
}

}  // namespace
}  // namespace tessera::service
