// SPDX-License-Identifier: Apache-2.0
// The distributed system on S3 with an instance role whose credentials expire and are unavailable for a
// while; and the number of store requests per job.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <set>

#include "net/crypto.hpp"
#include "servers/distributed_service.hpp"
#include "servers/other_host.hpp"
#include "servers/raw_http.hpp"
#include "servers/s3_server.hpp"
#include "service/journey.hpp"
#include "service/service_process.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

class DistributedOnS3 : public ::testing::Test {
 protected:
  Json batch(const Json& items, const std::string& pipeline) const {
    const Answer answer =
        send_json(service.gateway_port(), "POST", "/v1/jobs", {{"items", items}, {"pipeline", pipeline}});
    EXPECT_EQ(answer.status, 202) << answer.body;
    return json_of(answer);
  }
  [[nodiscard]] Json get(const Json& path) const {
    return json_of(ask(service.gateway_port(), "GET", path.get<std::string>()));
  }
  void follow(const Json& jobs) const {
    follow_batch(service.notifier_port(), service.gateway_port(), jobs.at("id"));
  }

  /// What the store was asked for on behalf of one more job with that image, from its submission to its end.
  [[nodiscard]] std::vector<S3Server::Request> requests_of_a_job(const Json& item) const {
    const std::size_t before = s3.requests().size();
    follow(batch(Json::array({item}), "invert"));
    std::vector<S3Server::Request> requests = s3.requests();
    requests.erase(requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(before));
    return requests;
  }

  S3Server s3{S3Kind::strict, {.identity = S3Identity::machine}};
  DistributedService service{s3.url()};
};

// One test, as a broker takes ten seconds to start.
TEST_F(DistributedOnS3, SendsThreeRequestsForASmallJobAndSurvivesRejectedCredentials) {
  expect_three_clients_get_what_apply_makes(service.url(), service.gateway_port(), service.folder());

  const Json item{{"object", upload(service.gateway_port(), read_file(photographs(1).front()))},
                  {"name", "photo.png"}};

  // Viewers see it too, from a copy that the gateway has fetched once.
  const std::string object = percent_encode(item.at("object").get<std::string>() + "@invert");
  EXPECT_EQ(get("/iiif/" + object + "/info.json").at("width"), 768);
  const auto fetched = [&] {
    return std::ranges::count_if(s3.requests(),
                                 [](const auto& request) { return request.what.starts_with("GET"); });
  };
  const auto fetched_before = fetched();
  for (const char* const part : {"/0,0,200,100/max/0/default.png", "/0,0,768,512/96,/0/default.jpg"}) {
    EXPECT_EQ(ask(service.gateway_port(), "GET", "/iiif/" + object + part).status, 200) << part;
  }
  EXPECT_EQ(fetched(), fetched_before);

  // A small job costs the store three requests: is the image there (the gateway), the image, the result (the
  // node). None waits for a new connection.
  static_cast<void>(requests_of_a_job(item));
  std::set<int> connections;
  for (const S3Server::Request& request : s3.requests()) {
    connections.insert(request.connection);
  }
  const std::vector<S3Server::Request> requests = requests_of_a_job(item);
  ASSERT_EQ(requests.size(), 3U);
  const std::string image = "of mine/" + item.at("object").get<std::string>();
  EXPECT_EQ(requests[0].what, "HEAD " + image);
  EXPECT_EQ(requests[1].what, "GET " + image);
  EXPECT_TRUE(requests[2].what.starts_with("PUT of mine/results/")) << requests[2].what;
  for (const S3Server::Request& request : requests) {
    EXPECT_TRUE(connections.contains(request.connection)) << request.what;
  }

  // Of a large image the ranks read what they need themselves, and nobody has all of it on a disk.
  const std::filesystem::path large = service.folder() / "large.ppm";
  constexpr int side = 2600;
  std::string pixels(std::size_t{3} * side * side, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<char>((i * 7919) >> 10);
  }
  std::ofstream(large, std::ios::binary) << "P6\n" << side << " " << side << "\n255\n" << pixels;
  const auto fetched_before_large = fetched();
  const CommandOutcome submitted =
      tessera({"submit", "--server", service.url(), "-o", service.folder() / "out", "median size=3", large});
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  EXPECT_GE(fetched() - fetched_before_large, 3);
  const CommandOutcome applied =
      tessera({"apply", "--quiet", "median size=3", large, "-o", service.folder() / "large.png"});
  EXPECT_EQ(applied.exit_code, 0) << applied.err;
  EXPECT_TRUE(read_file(service.folder() / "out" / "large-median.png") ==
              read_file(service.folder() / "large.png"));

  // They are revoked before their expiry: new ones are used transparently.
  s3.expire_session();
  const Json before = batch(Json::array({item}), "invert");
  follow(before);
  EXPECT_EQ(get(before.at("links").at("self")).at("counts").at("done"), 1);

  // For a while there are no new ones: jobs wait with a reason, and requests get 503.
  RawConnection events(service.notifier_port());
  events.send("GET /v1/events HTTP/1.0\r\n\r\n");
  events.read_until("\r\n\r\n");
  const Json during = batch(Json::array({item, item, item}), "non-local-means search-radius=16");
  events.read_until("event: running", std::chrono::seconds(60));
  s3.set_identities("fault=403");
  s3.expire_session();
  events.read_until("The store rejects this service's credentials: ", std::chrono::seconds(60));
  EXPECT_EQ(get(during.at("links").at("self")).at("counts").at("failed"), 0);
  const Answer refused = send_json(service.gateway_port(), "POST", "/v1/jobs",
                                   {{"items", Json::array({item})}, {"pipeline", "invert"}});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_NE(refused.body.find("The store rejects this service's credentials: "), std::string::npos)
      << refused.body;
  // Readiness is asked for in the background.
  const auto readiness = [&] { return ask(service.gateway_port(), "GET", "/readyz").status; };
  EXPECT_TRUE(poll_until([&] { return readiness() == 503; }));

  // They are available again: all accepted jobs are completed.
  s3.set_identities("fault=0");
  follow(during);
  const Json after = get(during.at("links").at("self"));
  EXPECT_EQ(after.at("counts").at("done"), 3) << after;
  EXPECT_TRUE(poll_until([&] { return readiness() == 200; }));
}

/// A node whose ranks are on two hosts, of which one has none of the node's files.
class DistributedOverTwoHosts : public ::testing::Test {
 protected:
  ServerFolder folder;
  std::filesystem::path scratch = [this] {
    std::filesystem::create_directories(folder.path() / "scratch");
    return folder.path() / "scratch";
  }();
  OtherHost elsewhere{folder.path(), scratch};
  S3Server s3{S3Kind::strict, {}};
};

TEST_F(DistributedOverTwoHosts, UploadsPartsOfAResultFromTheRanksThatMadeThem) {
  if (!elsewhere.available()) {
    GTEST_SKIP() << no_namespaces;
  }
  const DistributedService service(s3.url(), {},
                                   {"--scratch", scratch, "--hostfile", elsewhere.hostfile(), "--address",
                                    "127.0.0.1", "--spreading", "split"});
  constexpr int side = 3300;
  const std::filesystem::path image = folder.path() / "large.ppm";
  std::ofstream(image, std::ios::binary) << "P6\n"
                                         << side << " " << side << "\n255\n"
                                         << std::string(std::size_t{3} * side * side, 'x');
  const std::vector<std::string> tiff{"--format", "tif", "--compression", "none"};
  std::vector<std::string> submit{"submit", "--server", service.url(), "-o", folder.path() / "out",
                                  "invert", image};
  submit.insert(submit.end(), tiff.begin(), tiff.end());
  const CommandOutcome submitted = tessera(submit);
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  std::vector<std::string> apply{"apply", "--quiet", "invert", image, "-o", folder.path() / "large.tif"};
  apply.insert(apply.end(), tiff.begin(), tiff.end());
  ASSERT_EQ(tessera(apply).exit_code, 0);
  EXPECT_TRUE(read_file(folder.path() / "out" / "large-invert.tif") ==
              read_file(folder.path() / "large.tif"));
  // Parts of 8 MiB, of which the node itself has uploaded some.
  EXPECT_EQ(std::ranges::count_if(s3.requests(),
                                  [](const auto& request) {
                                    return request.what.find("results/") != std::string::npos &&
                                           request.what.starts_with("PUT");
                                  }),
            4);
}

}  // namespace
}  // namespace tessera::testing
