// SPDX-License-Identifier: Apache-2.0
// Submissions while a server that is needed answers too late, or is away.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.hpp"
#include "gateway/gateway_fixture.hpp"
#include "support/forwarding_job_store.hpp"

namespace tessera::service {
namespace {

/// Does what it is asked to do, and then does not answer in time.
class LateJobStore final : public testing::ForwardingJobStore {
 public:
  using ForwardingJobStore::ForwardingJobStore;
  Created create(const NewJobs& jobs) override {
    ForwardingJobStore::create(jobs);
    throw Error(ErrorCode::unavailable, "The state store does not answer.");
  }
};

class GatewayOutage : public GatewayTest {
 protected:
  [[nodiscard]] testing::Answer submit_form() const {
    const std::string body =
        "--b\r\nContent-Disposition: form-data; name=\"pipeline\"\r\n\r\ninvert\r\n"
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ppm\"\r\n\r\nP6 1 1 "
        "255\nabc\r\n--b--\r\n";
    return testing::ask(server->port(), "POST", "/v1/jobs",
                        {{"Content-Type", "multipart/form-data; boundary=b"}}, body);
  }
};

TEST_F(GatewayOutage, AFormKeepsItsImageIfItsJobMayBeRecorded) {
  LateJobStore late(*state.jobs);
  gateway = std::make_unique<Gateway>(
      options, GatewayPorts{late, *state.events, registry, *queue, *objects, access, *state.uploads});
  http::Router router;
  gateway->mount(router);
  server = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  EXPECT_EQ(submit_form().status, 503);
  const std::vector<Job> jobs = state.jobs->list({}, "", 10).jobs;
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_TRUE(objects->stat(jobs[0].request.object)) << "the job is accepted, and its image gone";
  server.reset();
  gateway.reset();  // which uses the store of this test
}

TEST_F(GatewayOutage, AFormThatIsRefusedLeavesNoImage) {
  options.max_queued_per_owner = 1;
  start();
  ASSERT_EQ(submit().status, 202);
  const std::size_t before = objects->list("uploads/", "", 10).objects.size();
  EXPECT_EQ(submit_form().status, 429);
  EXPECT_EQ(objects->list("uploads/", "", 10).objects.size(), before);
}

TEST_F(GatewayOutage, AnUploadIsNotReportedMissingWhileTheStoreIsUnavailable) {
  start();
  const auto place = folder.path() / "objects";
  const auto away = folder.path() / "objects-away";
  std::filesystem::rename(place, away);
  const testing::Answer answer = submit();
  EXPECT_EQ(answer.status, 503) << answer.body;
  std::filesystem::rename(away, place);
  EXPECT_EQ(submit().status, 202);
  EXPECT_EQ(submit({{"object", "uploads/local/other"}}).status, 404);
}

TEST_F(GatewayOutage, NothingExpiresByAClockJump) {
  start();
  gateway->reconcile();
  now += options.upload_lifetime * 3;
  uptime_ahead -= options.upload_lifetime * 3;
  gateway->reconcile();
  EXPECT_EQ(submit().status, 202);
}

}  // namespace
}  // namespace tessera::service
