// SPDX-License-Identifier: Apache-2.0
// The distributed system with its images on Google Cloud Storage, by the key of a service account: every
// request and every link is checked by strict_gcs.py.
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/open.hpp"
#include "client/event_stream.hpp"
#include "servers/distributed_service.hpp"
#include "servers/gcs_server.hpp"
#include "service/gateway/gateway.hpp"
#include "service/journey.hpp"
#include "service/service_process.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

std::vector<ObjectInfo> all_objects(ObjectStore& store, const std::string& prefix) {
  constexpr int more_than_there_are = 1000;
  return store.list(prefix, "", more_than_there_are).objects;
}

/// Reads events until `count` jobs are done.
std::vector<std::string> types_until_done(RawConnection& stream, std::size_t jobs) {
  std::vector<std::string> types;
  EventStreamReader reader([&](const StreamedEvent& event) {
    types.push_back(event.type);
    jobs -= event.type == "done" ? 1U : 0U;
    return jobs > 0;
  });
  while (reader.feed(stream.read_until("\n\n", std::chrono::seconds(60)))) {
  }
  return types;
}

class DistributedOnGcs : public ::testing::Test {
 protected:
  GcsServer gcs{GcsAccess::key_file};
  DistributedService service{gcs.url()};
  std::unique_ptr<ObjectStore> store = open_object_store(gcs.url(), {});

  [[nodiscard]] Answer get(const std::string& path) const { return ask(service.gateway_port(), "GET", path); }

  /// What `tessera apply` makes of it.
  [[nodiscard]] std::string applied(const std::string& pipeline, const fs::path& photo) const {
    const fs::path file = service.folder() / "applied.png";
    fs::remove(file);
    EXPECT_EQ(tessera({"apply", "--quiet", pipeline, photo, "-o", file}).exit_code, 0);
    return read_file(file);
  }

  /// One round of a gateway on the same broker, Redis and bucket whose clock is so much later.
  void reconcile_later(std::chrono::hours later) {
    const StateStore state = open_state_store(service.redis().url(), {});
    const auto queue = open_job_queue(service.broker().url(), {});
    service::Access access(*state.tokens);
    service::GatewayOptions options;
    options.now = [later] { return system_now() + later; };
    service::Gateway gateway(std::move(options), {*state.jobs, *state.events, *state.nodes, *queue, *store,
                                                  access, *state.uploads});
    gateway.reconcile();
  }
};

// One test, as a broker takes ten seconds to start.
TEST_F(DistributedOnGcs, StoresAndExpiresWhatAClientSends) {
  expect_three_clients_get_what_apply_makes(service.url(), service.gateway_port(), service.folder());

  // By hand: upload, job with live events, link, zip.
  const std::string pipeline = "gaussian-blur sigma=3 | sobel";
  const auto photos = photographs(2);
  Json items = Json::array();
  for (const fs::path& photo : photos) {
    items.push_back(
        {{"object", upload(service.gateway_port(), read_file(photo))}, {"name", photo.filename().string()}});
  }
  RawConnection events(service.notifier_port());
  events.send("GET /v1/events HTTP/1.0\r\n\r\n");
  events.read_until("\r\n\r\n");
  const Json batch = json_of(
      send_json(service.gateway_port(), "POST", "/v1/jobs", {{"items", items}, {"pipeline", pipeline}}));
  const std::string path = batch.at("links").at("self");
  const std::vector<std::string> types = types_until_done(events, photos.size());
  for (const char* type : {"queued", "running", "storing", "done"}) {
    EXPECT_EQ(std::ranges::count(types, type), 2) << type;
  }

  ASSERT_EQ(
      run_command({"curl", "-sSf", "-o", service.folder() / "all.zip", service.url() + path + "/results.zip"})
          .exit_code,
      0);
  ASSERT_EQ(
      run_command({"unzip", "-q", service.folder() / "all.zip", "-d", service.folder() / "zip"}).exit_code,
      0);
  const Json jobs = json_of(get(path)).at("jobs");
  ASSERT_EQ(jobs.size(), photos.size());
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const std::string expected = applied(pipeline, photos[i]);
    ASSERT_FALSE(expected.empty());
    const Json link = json_of(get(jobs[i].at("links").at("result").get<std::string>() + "?link=1"));
    const std::string url = link.at("url");
    EXPECT_TRUE(url.starts_with(gcs.endpoint() + "/pictures/of%20mine/results/")) << url;
    EXPECT_NE(url.find("X-Goog-Algorithm=GOOG4-RSA-SHA256"), std::string::npos) << url;
    const CommandOutcome fetched = run_command({"curl", "-sSf", url});
    EXPECT_EQ(fetched.exit_code, 0) << fetched.err;
    EXPECT_TRUE(fetched.out == expected) << photos[i];
    EXPECT_TRUE(read_file(service.folder() / "zip" / link.at("file_name").get<std::string>()) == expected);
    // A link that was tampered with leads nowhere.
    EXPECT_NE(run_command({"curl", "-sSf", "-o", "/dev/null", url + "0"}).exit_code, 0);
  }

  // A job that was cancelled has no result, here or later.
  const Json slow = json_of(send_json(
      service.gateway_port(), "POST", "/v1/jobs",
      {{"items", {items[0], items[0], items[0], items[0]}}, {"pipeline", endless_pipeline_on_any_image}}));
  const std::string cancelled = slow.at("jobs")[3].at("id");
  EXPECT_EQ(ask(service.gateway_port(), "DELETE", slow.at("links").at("self").get<std::string>()).status,
            200);
  EXPECT_EQ(json_of(get("/v1/jobs/" + cancelled)).at("state"), "cancelled");
  EXPECT_EQ(get("/v1/jobs/" + cancelled + "/result").status, 409);

  // After their time, results, uploads and records are gone; before it, they are not.
  const std::size_t results = all_objects(*store, "results/").size();
  const std::size_t uploads = all_objects(*store, "uploads/").size();
  EXPECT_EQ(results, 17U);
  EXPECT_EQ(uploads, 17U);
  reconcile_later(std::chrono::hours(47));
  EXPECT_EQ(all_objects(*store, "results/").size(), results);
  EXPECT_EQ(all_objects(*store, "uploads/").size(), uploads);
  reconcile_later(std::chrono::hours(24 * 7 + 1));
  EXPECT_TRUE(all_objects(*store, "results/").empty());
  EXPECT_TRUE(all_objects(*store, "uploads/").empty());
  EXPECT_EQ(get("/v1/jobs/" + jobs[0].at("id").get<std::string>()).status, 404);
  EXPECT_EQ(get(path).status, 404);
  EXPECT_EQ(get("/readyz").status, 200);
}

}  // namespace
}  // namespace tessera::testing
