// SPDX-License-Identifier: Apache-2.0
// A gateway with its clock and its limits in the test's hand, over real stores.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "adapters/disk/object_store.hpp"
#include "adapters/sqlite/job_queue.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"
#include "service/gateway/gateway.hpp"

namespace tessera::service {

inline const std::string photo_name = "uploads/local/photo";

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options.now = [this] { return now; };
    options.readiness_interval = std::chrono::milliseconds(5);
    options.uptime = [this, start = now] { return now - start + uptime_ahead; };
    put(photo_name);
    registry.announce({"node_1", "here", "1", Json::object(), now}, std::chrono::hours(1));
  }
  /// With the options as they are by now.
  void start() {
    gateway = std::make_unique<Gateway>(options, GatewayPorts{*state.jobs, *state.events, registry, *queue,
                                                              *objects, access, *state.uploads});
    http::Router router;
    gateway->mount(router);
    server = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  }
  void put(const std::string& name) {
    const auto body = memory_source("P6 1 1 255\nabc");
    objects->put(name, *body, "image/x-portable-pixmap");
  }
  [[nodiscard]] testing::Answer get(const std::string& path) const {
    return testing::ask(server->port(), "GET", path);
  }
  [[nodiscard]] testing::Answer submit(const Json& change = {}) const {
    Json json{{"object", photo_name}, {"name", "photo.ppm"}, {"pipeline", "invert"}};
    if (!change.is_null()) {
      json.update(change);
    }
    return testing::ask(server->port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}},
                        json.dump());
  }
  [[nodiscard]] static std::string job_of(const testing::Answer& answer) {
    return Json::parse(answer.body).at("jobs")[0].at("id");
  }
  /// As a node would.
  void finish(const std::string& job_id) {
    const std::string result = "results/local/" + job_id;
    put(result);
    JobChange change;
    change.state = JobState::done;
    change.result = JobResult{result, "photo-invert.png", "image/png", 14, 1, 1, Json::array(), {}};
    ASSERT_TRUE(state.jobs->change(job_id, 0, change));
  }

  testing::ServerFolder folder;
  // Now in whole milliseconds; files that are stored carry the real time.
  TimePoint now = system_now();
  std::chrono::milliseconds uptime_ahead{0};  ///< less than zero: `now` has jumped ahead by so much
  StateStore state =
      open_sqlite_state_store(folder.path() / "state.db", {.now = [this] { return now; }, .warn = {}});
  NodeRegistry& registry = *state.nodes;
  std::unique_ptr<JobQueue> queue = open_sqlite_job_queue(folder.path() / "queue.db", {});
  std::unique_ptr<ObjectStore> objects =
      open_disk_object_store(folder.path() / "objects", LinkSigner("http://127.0.0.1", "a secret of sixteen"),
                             [this] { return now; });
  Access access{*state.tokens, Authentication::disabled};
  GatewayOptions options;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<http::Server> server;
};

}  // namespace tessera::service
