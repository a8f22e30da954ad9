// SPDX-License-Identifier: Apache-2.0
// Images that requests name by URL, from a real server.
#include <gtest/gtest.h>

#include "gateway/gateway_fixture.hpp"
#include "plan/built_in_presets.hpp"

namespace tessera::service {
namespace {

using testing::Answer;

const std::string other_ppm = "P6 1 1 255\nxyz";

class SourcesTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    http::Router router;
    router.add("GET", "/public/{name}", {}, [this](http::Request& request) {
      ++asked;
      const std::string& name = request.parameter("name");
      return name == "moved.ppm" ? http::redirect_response(302, "/public/a.ppm")
             : name == "long.ppm"
                 ? http::text_response(200, std::string(5000, 'x'), "image/x-portable-pixmap")
                 : http::text_response(200, other_ppm, "text/html");
    });
    images = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
    options.sources.allowed = {at("/public/")};
    options.sources.allow_private_addresses = true;
    options.sources.max_bytes = 4000;
  }
  [[nodiscard]] std::string at(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(images->port()) + path;
  }
  [[nodiscard]] Answer submit_json(const Json& json, const std::string& path = "/v1/jobs") const {
    return testing::ask(server->port(), "POST", path, {{"Content-Type", "application/json"}}, json.dump());
  }
  [[nodiscard]] Answer from(const std::string& url) const {
    return submit_json({{"source", {{"url", url}}}, {"pipeline", "invert"}});
  }
  [[nodiscard]] std::size_t uploads() const { return objects->list("uploads/", "", 100).objects.size(); }

  std::atomic<int> asked = 0;
  std::unique_ptr<http::Server> images;
};

TEST_F(SourcesTest, AreFetchedAndBecomeInputs) {
  start();
  const Answer answer = submit_json({{"items",
                                      {{{"source", {{"url", at("/public/b%C3%A4r.ppm?size=1")}}}},
                                       {{"object", photo_name}, {"name", "photo.ppm"}}}},
                                     {"pipeline", "invert"}});
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Job job = state.jobs->find(job_of(answer)).value();
  EXPECT_EQ(job.request.name, "bär.ppm");
  EXPECT_TRUE(job.request.object.starts_with("uploads/local/upload_")) << job.request.object;
  EXPECT_EQ(objects->stat(job.request.object)->size_bytes, std::ssize(other_ppm));
  EXPECT_EQ(asked, 1);
}

TEST_F(SourcesTest, OnlyWhatIsAllowedIsAskedFor) {
  start();
  const std::size_t before = uploads();
  for (const auto& [url, status] :
       std::vector<std::pair<std::string, int>>{{at("/private/a.ppm"), 403},
                                                {at("/public/../private/a.ppm"), 400},
                                                {at("/public/%2E%2e/private/a.ppm"), 400},
                                                {at("/public"), 403},
                                                {"http://127.0.0.1:1@" + at("/public/a.ppm").substr(7), 403},
                                                {"https" + at("/public/a.ppm").substr(4), 403},
                                                {"file:///etc/passwd", 400},
                                                {at("/public/a b.ppm"), 400}}) {
    const Answer answer = from(url);
    EXPECT_EQ(answer.status, status) << url << ": " << answer.body;
  }
  EXPECT_EQ(asked, 0);
  // What the pipeline makes impossible is not fetched either.
  EXPECT_EQ(submit_json({{"source", {{"url", at("/public/a.ppm")}}}, {"pipeline", "nonsense"}}).status, 422);
  EXPECT_EQ(submit_json(
                {{"source", {{"url", at("/public/a.ppm")}}}, {"object", photo_name}, {"pipeline", "invert"}})
                .status,
            400);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(from(at("/public/moved.ppm")).status, 404) << "a redirection";
  EXPECT_EQ(from(at("/public/long.ppm")).status, 413);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(uploads(), before);
}

TEST_F(SourcesTest, NobodyIsAskedWithoutAnAllowance) {
  options.sources.allowed.clear();
  start();
  EXPECT_EQ(from(at("/public/a.ppm")).status, 403);
  EXPECT_EQ(asked, 0);
}

TEST_F(SourcesTest, AddressesAreOfThePublicInternet) {
  options.sources.allow_private_addresses = false;
  start();
  const Answer answer = from(at("/public/a.ppm"));
  EXPECT_EQ(answer.status, 403) << answer.body;
  EXPECT_EQ(asked, 0);
}

TEST_F(SourcesTest, BeginningsOfUrlsAreWhole) {
  for (const char* const wrong : {"https://images.example.org", "images.example.org/", "https:///", "*",
                                  "https://a@images.example.org/", "https://images.example.org/../"}) {
    SourceOptions one;
    one.allowed = {wrong};
    EXPECT_THROW(SourceFetcher{one}, Error) << wrong;
  }
}

TEST_F(SourcesTest, PresetsStandInPlaceOfPipelines) {
  options.presets = with_built_in_presets(parse_presets(
      R"({"presets": {"soft": "gaussian-blur sigma=2 | gamma gamma=1.1", "web": "resize 800"}})"));
  start();
  std::map<std::string, Json> listed;
  const Json answered = Json::parse(get("/v1/presets").body);
  for (const Json& preset : answered.at("presets")) {
    listed[preset.at("name")] = preset;
  }
  ASSERT_EQ(listed.size(), built_in_presets().size() + 1);
  EXPECT_EQ(listed["soft"].at("text"), "gaussian-blur sigma=2 | gamma gamma=1.1");
  EXPECT_EQ(listed["soft"].at("built_in"), false);
  EXPECT_EQ(listed["scan"].at("built_in"), true);
  EXPECT_NE(listed["scan"].at("description"), "");
  EXPECT_EQ(listed["web"].at("text"), "resize width=800") << "the server's own one counts";
  EXPECT_EQ(listed["web"].at("built_in"), false);
  const Answer answer = submit_json({{"object", photo_name}, {"preset", "soft"}});
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Job job = state.jobs->find(job_of(answer)).value();
  EXPECT_EQ(job.request.pipeline.at("operators").size(), 2U) << job.request.pipeline;
  EXPECT_EQ(submit_json({{"object", photo_name}, {"preset", "hard"}}).status, 400);
  EXPECT_EQ(submit_json({{"object", photo_name}, {"preset", "soft"}, {"pipeline", "invert"}}).status, 400);
  EXPECT_EQ(submit_json({{"preset", "soft"}}, "/v1/pipelines").status, 200);
}

}  // namespace
}  // namespace tessera::service
