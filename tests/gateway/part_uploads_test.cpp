// SPDX-License-Identifier: Apache-2.0
// Large images on their way to a local folder and to a bucket: in parts, broken off, gone on with.
#include "ports/part_uploads.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "adapters/open.hpp"
#include "client/client.hpp"
#include "gateway/gateway_fixture.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::code_of;

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

/// Whose stores are those of a kind: "disk" or "s3".
class PartUploadsTest : public GatewayTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "s3") {
      bucket = std::make_unique<testing::S3Server>();
      objects = open_object_store(bucket->url(), {});
    }
    GatewayTest::SetUp();
    ::setenv("XDG_STATE_HOME", (folder.path() / "state").c_str(), 1);
  }
  void start_server() {
    int port = 0;
    if (GetParam() == "disk") {
      // The gateway's own links lead to its port.
      port = testing::free_port();
      options.links.emplace(fmt::format("http://127.0.0.1:{}", port), "a secret of sixteen");
      objects = open_disk_object_store(folder.path() / "objects", options.links, [this] { return now; });
    }
    gateway = std::make_unique<Gateway>(options, GatewayPorts{*state.jobs, *state.events, registry, *queue,
                                                              *objects, access, *state.uploads});
    http::Router router;
    gateway->mount(router);
    http::ServerOptions at;
    at.port = port;
    server = std::make_unique<http::Server>(at, std::move(router));
  }
  [[nodiscard]] Answer ask(const char* method, const std::string& path, const Json& body = {}) const {
    return testing::ask(server->port(), method, path, {{"Content-Type", "application/json"}},
                        body.is_null() ? std::string() : body.dump());
  }
  [[nodiscard]] Json begin(std::int64_t size) const {
    const Answer answer = ask("POST", "/v1/uploads", {{"size_bytes", size}});
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Json::parse(answer.body);
  }
  static Json named(const Json& place) {
    return {{"object", place.at("object")},
            {"upload", place.at("parts").at("upload")},
            {"size_bytes", place.at("parts").at("size_bytes")}};
  }
  /// By the link, as any HTTP client would.
  static int put(const Json& link, std::int64_t bytes) {
    HttpClient http;
    HttpRequest request;
    request.method = "PUT";
    request.url = link.at("url");
    request.body = std::string(static_cast<std::size_t>(bytes), 'x');
    return http.send(request).status;
  }
  static std::string detail(const Answer& answer) { return Json::parse(answer.body).value("detail", ""); }

  /// A file whose every 4 KiB are different.
  std::filesystem::path file_of(std::int64_t size) {
    const auto path = folder.path() / "large.ppm";
    std::ofstream out(path, std::ios::binary);
    for (std::int64_t at = 0; at < size; at += 4096) {
      std::string block = fmt::format("{:016} of {}", at, size);
      block.resize(static_cast<std::size_t>(std::min<std::int64_t>(4096, size - at)), '.');
      out << block;
    }
    return path;
  }
  [[nodiscard]] std::string content(const std::string& object) const {
    StringSink out;
    objects->get(object, out);
    return out.text;
  }
  [[nodiscard]] Client client() const {
    return Client(
        {.server = "http://127.0.0.1:" + std::to_string(server->port()), .token = {}, .ca_file = {}});
  }

  std::unique_ptr<testing::S3Server> bucket;
};

TEST_P(PartUploadsTest, MakeAnObjectOfWhatArrived) {
  options.parts_from_bytes = mebibyte;
  start_server();
  EXPECT_TRUE(begin(mebibyte).contains("upload")) << "small images go in one piece";
  const Json place = begin(16 * mebibyte + 5);
  const Json& parts = place.at("parts");
  EXPECT_EQ(parts.at("count"), 2);
  EXPECT_EQ(parts.at("part_bytes"), 16 * mebibyte);
  ASSERT_EQ(parts.at("links").size(), 2U);
  EXPECT_EQ(parts.at("links")[1].at("size_bytes"), 5);

  EXPECT_EQ(put(parts.at("links")[1], 5), 200);
  Answer early = ask("POST", "/v1/uploads/complete", named(place));
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(detail(early), "Part 1 of 2 has not arrived whole: send it again.");
  EXPECT_EQ(submit({{"object", place.at("object")}}).status, 404) << "it is no object yet";

  const std::string query =
      fmt::format("/v1/uploads/parts?object={}&upload={}", place.at("object").get<std::string>(),
                  parts.at("upload").get<std::string>());
  Answer received = ask("GET", query);
  EXPECT_EQ(Json::parse(received.body).at("parts"), (Json{{{"number", 2}, {"size_bytes", 5}}}));

  EXPECT_GE(put(parts.at("links")[0], 16 * mebibyte - 1), 400) << "a link is for a part of that size";
  Answer links = ask("POST", "/v1/uploads/links", [&] {
    Json request = named(place);
    request["parts"] = {1};
    return request;
  }());
  ASSERT_EQ(links.status, 200) << links.body;
  EXPECT_EQ(put(Json::parse(links.body).at("links")[0], 16 * mebibyte), 200);
  for (int attempt = 0; attempt < 2; ++attempt) {  // the first answer may have been lost
    Answer made = ask("POST", "/v1/uploads/complete", named(place));
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(Json::parse(made.body).at("size_bytes"), 16 * mebibyte + 5);
  }
  EXPECT_EQ(objects->stat(place.at("object"))->size_bytes, 16 * mebibyte + 5);
  EXPECT_EQ(submit({{"object", place.at("object")}}).status, 202);
  EXPECT_EQ(ask("POST", "/v1/uploads/complete", named(place)).status, 409) << "a job uses it";
}

TEST_P(PartUploadsTest, AreLimitedAndTheOwnersAlone) {
  options.parts_from_bytes = mebibyte;
  options.max_upload_bytes = 64 * mebibyte;
  options.uploads_per_owner = {.max_reservations = 0, .max_bytes = 100 * mebibyte};
  start_server();
  Answer large = ask("POST", "/v1/uploads", {{"size_bytes", 64 * mebibyte + 1}});
  EXPECT_EQ(large.status, 413);
  EXPECT_NE(detail(large).find("at most 67108864 can be uploaded"), std::string::npos) << large.body;
  const Json place = begin(60 * mebibyte);
  EXPECT_EQ(ask("POST", "/v1/uploads", {{"size_bytes", 60 * mebibyte}}).status, 413)
      << "what is announced counts";

  Json request = named(place);
  for (const Json& wrong : {Json{0}, Json{5}, Json{"1"}, Json::array()}) {
    request["parts"] = wrong;
    EXPECT_EQ(ask("POST", "/v1/uploads/links", request).status, 400) << wrong;
  }
  request["parts"] = {1};
  request["object"] = "uploads/other/" + place.at("object").get<std::string>().substr(14);
  EXPECT_EQ(ask("POST", "/v1/uploads/links", request).status, 404);
  EXPECT_EQ(ask("POST", "/v1/uploads/links", {{"object", place.at("object")}}).status, 400);
  EXPECT_EQ(ask("GET", "/v1/uploads/parts?object=uploads/other/x&upload=y").status, 404);
  EXPECT_EQ(ask("POST", "/v1/uploads", {{"size_bytes", -1}}).status, 400);
}

TEST_P(PartUploadsTest, EndWhenTheyAreGivenUpOrExpire) {
  options.parts_from_bytes = mebibyte;
  start_server();
  const auto query_of = [](const Json& place) {
    return fmt::format("/v1/uploads/parts?object={}&upload={}", place.at("object").get<std::string>(),
                       place.at("parts").at("upload").get<std::string>());
  };
  const Json given_up = begin(20 * mebibyte);
  EXPECT_EQ(ask("DELETE", query_of(given_up)).status, 204);
  EXPECT_EQ(ask("GET", query_of(given_up)).status, 404);
  EXPECT_EQ(state.uploads->usage_of("local"), UploadUsage{});

  const Json forgotten = begin(20 * mebibyte);
  gateway->reconcile();
  EXPECT_EQ(ask("GET", query_of(forgotten)).status, 200);
  // A node that is killed while it stores a result leaves parts of it.
  const std::string result = "results/local/job.1.1.png";
  const std::string orphan = objects->part_uploads().begin_upload(result, "image/png");
  gateway->reconcile();
  EXPECT_TRUE(objects->part_uploads().list_parts(result, orphan).empty());
  now += options.upload_lifetime + options.link_lifetime + options.orphan_age + 1h;
  uptime_ahead = {};
  options.upload_sweep_interval = 0ms;
  server.reset();
  gateway.reset();
  start_server();
  gateway->reconcile();
  EXPECT_EQ(ask("GET", query_of(forgotten)).status, 404);
  EXPECT_EQ(testing::code_of([&] { static_cast<void>(objects->part_uploads().list_parts(result, orphan)); }),
            ErrorCode::not_found);
}

TEST_P(PartUploadsTest, OfAFileGoOnAfterABreak) {
  start_server();
  const std::int64_t size = 96 * mebibyte + 1234;
  const auto file = file_of(size);
  Client first = client();
  std::stop_source stop;
  // Four parts of seven are on their way at most, so two at least have arrived by then.
  EXPECT_EQ(
      code_of([&] {
        static_cast<void>(first.upload(
            file, [&](double fraction) { fraction > 0.85 ? static_cast<void>(stop.request_stop()) : void(); },
            stop.get_token()));
      }),
      ErrorCode::cancelled);

  Client second = client();
  std::atomic<double> begun_at{-1};
  const std::string object = second.upload(file, [&](double fraction) {
    double none = -1;
    begun_at.compare_exchange_strong(none, fraction);
  });
  EXPECT_GE(begun_at, 2.0 / 7);
  EXPECT_TRUE(content(object) == testing::read_file(file));
  // That one is done: the file is sent anew for another job.
  EXPECT_NE(second.upload(file), object);
}

TEST_P(PartUploadsTest, OfAFileBeginAnewWhenTheServerHasForgotten) {
  start_server();
  const auto file = file_of(70 * mebibyte);
  Client sender = client();
  std::stop_source stop;
  EXPECT_EQ(code_of([&] {
              static_cast<void>(sender.upload(
                  file, [&](double) { stop.request_stop(); }, stop.get_token()));
            }),
            ErrorCode::cancelled);
  objects->part_uploads().abort_uploads("", system_now() + 24h);
  EXPECT_TRUE(content(sender.upload(file)) == testing::read_file(file));
}

INSTANTIATE_TEST_SUITE_P(Stores, PartUploadsTest, ::testing::Values("disk", "s3"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace tessera::service
