// SPDX-License-Identifier: Apache-2.0
// What one owner may have, and what uploads may be served as.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gateway/gateway_fixture.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using testing::Answer;

class GatewayLimits : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    options.links.emplace("http://127.0.0.1", "a secret of sixteen");
  }
  [[nodiscard]] Answer ask_for_place(const std::string& body = {}) const {
    return testing::ask(server->port(), "POST", "/v1/uploads", {{"Content-Type", "application/json"}}, body);
  }
  /// The object, and the path of its link.
  [[nodiscard]] std::pair<std::string, std::string> place() const {
    const Answer answer = ask_for_place();
    EXPECT_EQ(answer.status, 201) << answer.body;
    const Json json = Json::parse(answer.body);
    const std::string url = json.at("upload").at("url");
    return {json.at("object"), url.substr(std::string("http://127.0.0.1").size())};
  }
  [[nodiscard]] Answer put_by_link(const std::string& path, const std::string& body,
                                   const testing::Fields& headers = {}) const {
    return testing::ask(server->port(), "PUT", path, headers, body);
  }
  static std::string detail(const Answer& answer, const std::string& type) {
    const Json problem = Json::parse(answer.body);
    EXPECT_EQ(problem.at("type"), "/problems/" + type);
    return problem.at("detail");
  }
};

TEST_F(GatewayLimits, UnusedUploadsPerOwnerAreLimited) {
  options.uploads_per_owner = {.max_reservations = 2, .max_bytes = 0};
  start();
  const auto [object, path] = place();
  EXPECT_EQ(ask_for_place().status, 201);
  Answer refused = ask_for_place();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers["retry-after"], "5");
  EXPECT_EQ(detail(refused, "over-quota"),
            "'local' has 2 unused uploads, and the limit is 2: submit jobs with them, or wait until "
            "they expire.");
  EXPECT_EQ(put_by_link(path, "P6 1 1 255\nabc").status, 200);
  EXPECT_EQ(ask_for_place().status, 429);
  EXPECT_EQ(submit({{"object", object}}).status, 202);
  EXPECT_EQ(ask_for_place().status, 201);
  EXPECT_EQ(ask_for_place().status, 429);
  now += options.link_lifetime + options.upload_lifetime + 1ms;
  EXPECT_EQ(ask_for_place().status, 201);
}

TEST_F(GatewayLimits, UnusedUploadBytesPerOwnerAreLimited) {
  options.uploads_per_owner = {.max_reservations = 0, .max_bytes = 20};
  start();
  const auto [first, first_path] = place();
  const auto [second, second_path] = place();
  EXPECT_EQ(put_by_link(first_path, "P6 1 1 255\nabc").status, 200);
  const Answer refused = put_by_link(second_path, "P6 1 1 255\nabc");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(detail(refused, "limit-exceeded"),
            fmt::format("With the 14 bytes of '{}' its owner's unused uploads would exceed the limit of "
                        "20 bytes: submit jobs with them, or wait until they expire.",
                        second));
  EXPECT_FALSE(objects->stat(second));
  // A body whose length is not said before it comes.
  testing::RawConnection connection(server->port());
  connection.send("PUT " + second_path +
                  " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "7\r\n1234567\r\n0\r\n\r\n");
  EXPECT_NE(connection.read_to_end().find(" 413 "), std::string::npos);
  EXPECT_FALSE(objects->stat(second));

  EXPECT_EQ(put_by_link(first_path, "P6 1 1 255\nabc").status, 200) << "in place of what was there";
  EXPECT_EQ(put_by_link(second_path, "123456").status, 200);
  EXPECT_EQ(ask_for_place().status, 429);
  EXPECT_EQ(submit({{"object", first}}).status, 202);
  EXPECT_EQ(put_by_link(second_path, "P6 1 1 255\nabc").status, 200);
}

TEST_F(GatewayLimits, DirectUploadsToTheStoreAreMeasured) {
  options.uploads_per_owner = {.max_reservations = 3, .max_bytes = 20};
  start();
  put(place().first);
  put(place().first);
  const std::string never_filled = place().first;
  EXPECT_EQ(state.uploads->usage_of("local"), (UploadUsage{3, 0}));
  now += 31s;
  gateway->reconcile();
  EXPECT_EQ(state.uploads->usage_of("local"), (UploadUsage{3, 28}));
  now += options.link_lifetime;
  gateway->reconcile();
  EXPECT_EQ(state.uploads->usage_of("local"), (UploadUsage{3, 28})) << "a body may be on its way still";
  now += options.link_lifetime;
  gateway->reconcile();
  EXPECT_EQ(state.uploads->usage_of("local"), (UploadUsage{2, 28}));
  EXPECT_EQ(detail(ask_for_place(), "over-quota"),
            "The 2 unused uploads of 'local' have 28 bytes, and the limit is 20 bytes: submit jobs with "
            "them, or wait until they expire.");
}

TEST_F(GatewayLimits, QueuedJobsPerOwnerAreLimited) {
  options.max_queued_per_owner = 2;
  start();
  const std::string first = job_of(submit());
  EXPECT_EQ(submit().status, 202);
  Answer refused = submit();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers["retry-after"], "5");
  EXPECT_EQ(detail(refused, "over-quota"),
            "'local' has 2 waiting jobs, and 1 more would exceed the limit of 2: try again when some of "
            "them have "
            "ended.");
  EXPECT_EQ(testing::ask(server->port(), "DELETE", "/v1/jobs/" + first).status, 200);
  EXPECT_EQ(submit().status, 202);
  refused = testing::ask(server->port(), "POST", "/v1/jobs/" + first + "/retry");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(detail(refused, "over-quota"),
            "'local' has 2 waiting jobs, and 1 more would exceed the limit of 2: try again when some of "
            "them have "
            "ended.");
}

TEST_F(GatewayLimits, AnUploadLinkEndsWhenAJobUsesTheObject) {
  options.uploads_per_owner = {.max_reservations = 0, .max_bytes = 20};
  start();
  const auto [object, path] = place();
  const std::string accepted = "P6 1 1 255\nabc";
  EXPECT_EQ(put_by_link(path, accepted).status, 200);
  EXPECT_EQ(put_by_link(path, accepted).status, 200) << "until then it may be sent again";
  const Answer answer = submit({{"object", object}});
  ASSERT_EQ(answer.status, 202);
  const Answer refused = put_by_link(path, std::string(1 << 16, 'x'));
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_NE(detail(refused, "conflict").find("a job uses"), std::string::npos) << refused.body;
  StringSink content;
  EXPECT_EQ(objects->get(object, content).etag, state.jobs->find(job_of(answer))->request.object_tag);
  EXPECT_EQ(content.text, accepted);
  EXPECT_EQ(answer.body.find("object_tag"), std::string::npos);

  // One that comes while the job is accepted: its body ends afterwards.
  const auto [second, second_path] = place();
  EXPECT_EQ(put_by_link(second_path, accepted).status, 200);
  testing::RawConnection connection(server->port());
  connection.send("PUT " + second_path +
                  " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n");
  connection.read_until("100 Continue\r\n\r\n");
  EXPECT_EQ(submit({{"object", second}}).status, 202);
  connection.send("another content!");
  EXPECT_EQ(testing::read_answer(connection).status, 409);
  EXPECT_EQ(state.uploads->usage_of("local"), UploadUsage{});
  StringSink kept;
  objects->get(second, kept);
  EXPECT_EQ(kept.text, accepted);
}

TEST_F(GatewayLimits, ZeroIsNoLimit) {
  options.max_queued_per_owner = 0;
  options.uploads_per_owner = {};
  start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ask_for_place().status, 201);
    EXPECT_EQ(submit().status, 202);
  }
}

TEST_F(GatewayLimits, UploadRequestsAreValidated) {
  start();
  EXPECT_EQ(ask_for_place("{}").status, 201);
  const Answer typed = ask_for_place(R"({"content_type": "image/png"})");
  EXPECT_EQ(typed.status, 201);
  EXPECT_EQ(Json::parse(typed.body).at("upload").at("headers").at("Content-Type"), "image/png");
  for (const char* body :
       {"[]", "5", R"({"content_type": 5})", R"({"content_type": ""})", R"({"content_type": "png"})",
        R"({"content_type": "a/b\r\nSet-Cookie: c"})", R"({"type": "image/png"})"}) {
    EXPECT_EQ(ask_for_place(body).status, 400) << body;
  }
}

TEST_F(GatewayLimits, NothingButPicturesAndDownloadsIsServedHere) {
  start();
  const auto served = [&](const std::string& stored, const LinkOptions& link) {
    const auto [object, path] = place();
    const std::string script = "<script>alert(1)</script>";
    EXPECT_EQ(put_by_link(path, script, {{"Content-Type", stored}}).status, 200);
    const std::string url = objects->sign_get(object, link).url;
    Answer answer = get(url.substr(std::string("http://127.0.0.1").size()));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, script);
    EXPECT_EQ(answer.headers["x-content-type-options"], "nosniff");
    EXPECT_EQ(answer.headers["content-security-policy"], "default-src 'none'; sandbox");
    return std::pair(answer.headers["content-type"], answer.headers["content-disposition"]);
  };
  const std::pair<std::string, std::string> download("application/octet-stream", "attachment");
  for (const char* type : {"text/html", "image/svg+xml", "application/javascript", "text/html; x=image/png",
                           "nonsense", "image/"}) {
    EXPECT_EQ(served(type, {}), download) << type;
  }
  EXPECT_EQ(served("image/png", {1h, "text/html", {}}), download);
  EXPECT_EQ(served("image/png", {}), std::pair(std::string("image/png"), std::string()));
  EXPECT_EQ(served("Image/PNG; charset=utf-8", {}).first, "image/png");
  EXPECT_EQ(served("text/html", {1h, "image/tiff", {}}).first, "image/tiff");
  const auto named = served("text/html", {1h, {}, "a.html"});
  EXPECT_EQ(named.first, "application/octet-stream");
  EXPECT_TRUE(named.second.starts_with("attachment; filename=")) << named.second;
}

}  // namespace
}  // namespace tessera::service
