// SPDX-License-Identifier: Apache-2.0
// Parts of stored images, as viewers ask a real `tessera serve` for them. The pixels are judged by
// tests/judges/iiif.py.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "net/crypto.hpp"
#include "service/service_process.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

/// A photograph in the service, and its address.
class Viewed {
 public:
  explicit Viewed(const ServeProcess& serve, std::string token = {})
      : serve_(serve),
        token_(std::move(token)),
        object_(upload(serve.port(), read_file(photographs(1).front()), token_)) {}
  [[nodiscard]] const std::string& object() const { return object_; }
  [[nodiscard]] std::string path(const std::string& rest, const std::string& pipeline = {}) const {
    return "/iiif/" + percent_encode(object_ + (pipeline.empty() ? "" : "@" + pipeline)) + rest;
  }
  [[nodiscard]] Answer get(const std::string& path, Fields headers = {}) const {
    if (!token_.empty()) {
      headers.emplace_back("Authorization", "Bearer " + token_);
    }
    return ask(serve_.port(), "GET", path, headers);
  }
  [[nodiscard]] Answer post(const Json& body) const {
    return send_json(serve_.port(), "POST", "/v1/views", body, token_);
  }

 private:
  const ServeProcess& serve_;
  std::string token_;
  std::string object_;
};

std::string path_of(const std::string& url) { return url.substr(url.find('/', url.find("://") + 3)); }

std::vector<pid_t> view_processes(pid_t server) {
  std::vector<pid_t> found;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", server))) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      if (read_file(fmt::format("/proc/{}/cmdline", child)).find("view-worker") != std::string::npos) {
        found.push_back(child);
      }
    }
  }
  return found;
}

TEST(Iiif, RequestsThatAreWrongAreToldWhy) {
  const ServeProcess serve;
  const Viewed viewed(serve);
  const Json info = json_of(viewed.get(viewed.path("/info.json")));
  EXPECT_EQ(info.at("width"), 768);
  const std::vector<std::pair<std::string, int>> requests{{"/full/max/0/default.jpg", 200},
                                                          {"/full/^1000,/0/default.jpg", 200},
                                                          {"/0,0,0,10/max/0/default.jpg", 400},
                                                          {"/800,0,10,10/max/0/default.jpg", 400},
                                                          {"/full/1000,/0/default.jpg", 400},
                                                          {"/full/0,/0/default.jpg", 400},
                                                          {"/full/max/45/default.jpg", 400},
                                                          {"/full/max/0/sepia.jpg", 400},
                                                          {"/full/max/0/default.gif", 400},
                                                          {"/full/max/0/default.jpeg", 400},
                                                          {"/full/^9000,9000/0/default.jpg", 413},
                                                          {"/a,b,c,d/max/0/default.jpg", 400},
                                                          {"/full/max/0/default", 400},
                                                          {"/full/max/-90/default.jpg", 400}};
  for (const auto& [path, status] : requests) {
    const Answer answer = viewed.get(viewed.path(path));
    EXPECT_EQ(answer.status, status) << path << ": " << answer.body.substr(0, 300);
    if (status != 200) {
      EXPECT_GT(json_of(answer).at("detail").get<std::string>().size(), 20U);
    }
  }
  EXPECT_EQ(viewed.get(viewed.path("/info.json", "otsu")).status, 422);
  EXPECT_EQ(viewed.get(viewed.path("/info.json", "no-such-operator")).status, 422);
  EXPECT_EQ(viewed.get("/iiif/uploads%2Flocal%2Fnothing/info.json").status, 404);
  EXPECT_EQ(viewed.get("/iiif/%2Fetc%2Fpasswd/info.json").status, 404);
  EXPECT_EQ(viewed.get("/iiif/uploads%2Flocal%2F..%2F..%2Fpasswd/info.json").status, 400);
  const std::string tiles = "/tiles/" + percent_encode(viewed.object());
  EXPECT_EQ(viewed.get(tiles + "/2/0/0.png").status, 200);
  EXPECT_EQ(viewed.get(tiles + "/3/0/0.png").status, 404);
  EXPECT_EQ(viewed.get(tiles + "/2/4/0.png").status, 404);
  EXPECT_EQ(viewed.get(tiles + "/2/0/0").status, 400);
}

TEST(Iiif, WhatTheClientHasIsNotSentAgain) {
  const ServeProcess serve;
  const Viewed viewed(serve);
  const std::string path = viewed.path("/0,0,256,256/128,/0/default.png");
  Answer first = viewed.get(path);
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string etag = first.headers["etag"];
  EXPECT_EQ(viewed.get(path, {{"If-None-Match", etag}}).status, 304);
  Answer other = viewed.get(viewed.path("/0,0,256,256/128,/90/default.png"), {{"If-None-Match", etag}});
  EXPECT_EQ(other.status, 200);
  EXPECT_NE(other.headers["etag"], etag);
  EXPECT_EQ(viewed.get(path).body, first.body);
  EXPECT_NE(first.headers["link"].find("/0,0,256,256/128,128/0/default.png>;rel=\"canonical\""),
            std::string::npos)
      << first.headers["link"];
}

TEST(Iiif, WhatIsKeptIsTheSameByASignedAddress) {
  const ServeProcess serve({}, ServeDoor::closed);
  const Viewed viewed(serve, serve.token());
  const Json view = json_of(viewed.post({{"object", viewed.object()}}));
  const std::string info = path_of(view.at("info"));
  const std::string path = info.substr(0, info.rfind('/')) + "/0,0,256,256/128,/0/default.png";
  Answer first = ask(serve.port(), "GET", path);
  ASSERT_EQ(first.status, 200) << first.body;
  Answer again = ask(serve.port(), "GET", path);
  EXPECT_EQ(again.body, first.body);
  again.headers.erase("x-request-id");
  first.headers.erase("x-request-id");
  EXPECT_EQ(again.headers, first.headers);
  EXPECT_EQ(ask(serve.port(), "GET", path, {{"If-None-Match", first.headers["etag"]}}).status, 304);
  EXPECT_EQ(ask(serve.port(), "HEAD", path).headers["content-length"], std::to_string(first.body.size()));
  const std::string malformed = info.substr(0, info.rfind('/')) + "/0,0,256,256/0,/0/default.png";
  EXPECT_EQ(ask(serve.port(), "GET", malformed).status, 400);
  const std::string signature = info.substr(info.find("~") + 1, 40);
  EXPECT_EQ(serve.log().find(signature), std::string::npos) << "a signature in the log";
}

TEST(Iiif, ResultsOfJobsAreKeptByClientsForLonger) {
  const ServeProcess serve;
  const Viewed viewed(serve);
  const Json batch = json_of(
      send_json(serve.port(), "POST", "/v1/jobs", {{"object", viewed.object()}, {"pipeline", "invert"}}));
  follow_to_end(serve.port(), batch.at("id"));
  const std::string job = batch.at("jobs")[0].at("id");
  const auto kept_for = [&](const std::string& identifier) {
    Answer answer = viewed.get("/iiif/" + percent_encode(identifier) + "/0,0,64,64/max/0/default.png");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.headers["cache-control"];
  };
  EXPECT_EQ(kept_for(job), "private, max-age=86400, immutable");
  EXPECT_EQ(kept_for(job + ":input"), "private, max-age=600");
  EXPECT_EQ(kept_for(job + "@invert"), "private, max-age=600");
  EXPECT_EQ(kept_for(viewed.object()), "private, max-age=600");
}

TEST(Iiif, PartsThatAreKeptHoldNoFileOpen) {
  constexpr std::size_t parts = 40;
  const ServeProcess serve;
  const Viewed viewed(serve);
  const auto open_files = [&] {
    const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", serve.pid()));
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  };
  ASSERT_EQ(viewed.get(viewed.path("/0,0,64,64/max/0/default.png")).status, 200);
  const std::size_t before = open_files();
  for (std::size_t part = 1; part <= parts; ++part) {
    ASSERT_EQ(viewed.get(viewed.path(fmt::format("/{},0,64,64/max/0/default.png", part))).status, 200);
  }
  EXPECT_TRUE(poll_until([&] { return open_files() < before + parts / 2; }, std::chrono::seconds(10)))
      << before << " files were open, and now " << open_files();
}

TEST(Iiif, OnlyThoseWhoMaySeeAnImageViewIt) {
  const ServeProcess serve({}, ServeDoor::closed);
  const std::string administrator = serve.token();
  const auto token_of = [&](const std::string& owner) {
    const CommandOutcome added = tessera({"token", "--state", serve.state_url(), "add", owner});
    EXPECT_EQ(added.exit_code, 0) << added.err;
    const std::size_t at = added.out.find("tsr_");
    return added.out.substr(at, added.out.find_first_of(" \n", at) - at);
  };
  const std::string alice = token_of("alice");
  const std::string bob = token_of("bob");
  const Viewed viewed(serve, alice);
  const auto status = [&](const std::string& path, const std::string& token) {
    return ask(serve.port(), "GET", path,
               token.empty() ? Fields{} : Fields{{"Authorization", "Bearer " + token}})
        .status;
  };
  const std::string plain = viewed.path("/info.json");
  const std::string processed = viewed.path("/info.json", "invert");
  EXPECT_EQ(status(plain, ""), 401);
  EXPECT_EQ(status(plain, bob), 404);
  EXPECT_EQ(status(plain, alice), 200);
  EXPECT_EQ(status(plain, administrator), 200);
  EXPECT_EQ(status(processed, alice), 200);
  EXPECT_EQ(status(processed, administrator), 403) << "a pipeline over another's image";
  EXPECT_EQ(send_json(serve.port(), "POST", "/v1/views", {{"object", viewed.object()}}, bob).status, 404);

  // A signed address needs no token, and is for that picture alone.
  const Json view = json_of(viewed.post({{"object", viewed.object()}, {"pipeline", "invert"}}));
  const std::string signed_path = path_of(view.at("info"));
  EXPECT_EQ(status(signed_path, ""), 200) << signed_path;
  Answer info = ask(serve.port(), "GET", signed_path);
  const std::string image = path_of(json_of(info).at("id")) + "/full/100,/0/default.jpg";
  EXPECT_EQ(status(image, ""), 200);
  EXPECT_EQ(info.headers["access-control-allow-origin"], "*");
  std::string tampered = signed_path;
  tampered.replace(tampered.find("invert"), 6, "sharpen");
  EXPECT_EQ(status(tampered, ""), 403);
  tampered = signed_path;
  tampered.replace(tampered.find("~") + 1, 1, "9");  // later
  EXPECT_EQ(status(tampered, ""), 403);
  EXPECT_EQ(serve.log().find(signed_path.substr(signed_path.rfind('.', signed_path.rfind('/')))),
            std::string::npos)
      << "a signature in the log";

  // It ends with the token.
  const CommandOutcome listed = tessera({"token", "--state", serve.state_url(), "list"});
  const std::size_t line = listed.out.find("alice");
  ASSERT_NE(line, std::string::npos) << listed.out;
  const std::size_t begin =
      listed.out.rfind('\n', line) == std::string::npos ? 0 : listed.out.rfind('\n', line) + 1;
  ASSERT_EQ(
      tessera({"token", "--state", serve.state_url(), "remove", listed.out.substr(begin, 12)}).exit_code, 0);
  EXPECT_TRUE(poll_until([&] { return status(signed_path, "") == 403; }));
}

TEST(Iiif, ViewsAreDescribedWhenTheyAreMade) {
  const ServeProcess serve;
  const Viewed viewed(serve);
  const Json view = json_of(viewed.post({{"object", viewed.object()}, {"pipeline", "rotate 90"}}));
  EXPECT_EQ(view.at("width_px"), 512);
  EXPECT_EQ(view.at("height_px"), 768);
  EXPECT_EQ(view.at("tile_levels"), 3);
  EXPECT_EQ(viewed.post({{"object", viewed.object()}, {"pipeline", "otsu"}}).status, 422);
  for (const Json& wrong :
       {Json::object(), Json::array(), Json{{"object", viewed.object()}, {"job", "job_1"}},
        Json{{"object", viewed.object()}, {"input", true}}, Json{{"object", 1}},
        Json{{"object", viewed.object()}, {"size", 1}},
        Json{{"object", viewed.object()}, {"pipeline", "invert"}, {"preset", "soft"}}}) {
    EXPECT_EQ(viewed.post(wrong).status, 400) << wrong;
  }
}

TEST(Iiif, AProcessThatEndsIsStartedAgain) {
  const ServeProcess serve({"--view-processes", "1"});
  const Viewed viewed(serve);
  ASSERT_EQ(viewed.get(viewed.path("/0,0,64,64/max/0/default.png")).status, 200);
  const std::vector<pid_t> before = view_processes(serve.pid());
  ASSERT_EQ(before.size(), 1U);
  ::kill(before.front(), SIGKILL);
  ASSERT_TRUE(poll_until([&] { return read_file(fmt::format("/proc/{}/cmdline", before.front())).empty(); }));
  EXPECT_EQ(viewed.get(viewed.path("/64,0,64,64/max/0/default.png")).status, 200);
  EXPECT_NE(view_processes(serve.pid()), before);
}

TEST(Iiif, APartThatTakesTooLongIsEnded) {
  const ServeProcess serve({"--view-processes", "1", "--view-time-limit", "0.5"});
  const Viewed viewed(serve);
  const std::string slow =
      "resize scale=8 | non-local-means search-radius=10 | non-local-means search-radius=10";
  const Answer answer = viewed.get(viewed.path("/0,0,4000,4000/100,/0/default.png", slow));
  EXPECT_EQ(answer.status, 413) << answer.body;
  EXPECT_NE(answer.body.find("was not made after 0.5 s"), std::string::npos) << answer.body;
  EXPECT_EQ(viewed.get(viewed.path("/0,0,64,64/max/0/default.png")).status, 200);
}

TEST(Iiif, MemoryOfAProcessIsBounded) {
  const ServeProcess serve({"--view-processes", "1", "--view-memory", std::to_string(64 << 20)});
  const Viewed viewed(serve);
  // The enlarged rows do not fit.
  const Answer answer = viewed.get(
      viewed.path("/0,0,2000,2000/100,/0/default.png", "resize width=100000 height=60000 fit=fill"));
  EXPECT_TRUE(answer.status == 413 || answer.status == 422) << answer.status << answer.body;
  EXPECT_EQ(viewed.get(viewed.path("/0,0,64,64/max/0/default.png")).status, 200);
}

}  // namespace
}  // namespace tessera::testing
