// SPDX-License-Identifier: Apache-2.0
// Limits that an operator gives to single owners.
#include <gtest/gtest.h>

#include <fstream>

#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

const std::string tiny_ppm = "P6 2 2 255\nabcdefghijkl";

Json job_after_the_end(const ServeProcess& serve) {
  const Json batch = json_of(
      send_json(serve.port(), "POST", "/v1/jobs",
                {{"object", upload(serve.port(), tiny_ppm)}, {"name", "tiny.ppm"}, {"pipeline", "invert"}}));
  follow_to_end(serve.port(), batch.at("id"));
  return json_of(
      send_json(serve.port(), "GET", "/v1/jobs/" + batch.at("jobs").at(0).at("id").get<std::string>()));
}

TEST(OwnerLimits, HoldForThatOwnerAlone) {
  const ServerFolder folder;
  const std::string file = (folder.path() / "limits.json").string();
  std::ofstream(file) << R"({"local": {"max-pixels": 3, "time-limit": 60}})";
  const Json refused = job_after_the_end(ServeProcess({"--owner-limits", file}));
  EXPECT_EQ(refused.at("state"), "failed");
  EXPECT_NE(refused.at("failure").at("sentence").get<std::string>().find("at most 3 pixels"),
            std::string::npos)
      << refused;

  std::ofstream(file) << R"({"somebody-else": {"max-pixels": 3}})";
  EXPECT_EQ(job_after_the_end(ServeProcess({"--owner-limits", file})).at("state"), "done");
}

TEST(OwnerLimits, AreRefusedWithTheFileAndTheNameWhenTheyAreWrong) {
  const ServerFolder folder;
  const std::string file = (folder.path() / "limits.json").string();
  for (const auto& [content, says] : {std::pair{R"({"alice": {"max-pixel": 3}})", "max-pixel"},
                                      {R"({"alice": {"max-pixels": "3"}})", "max-pixels"},
                                      {R"({"alice": {"time-limit": -1}})", "time-limit"},
                                      {R"({"alice": 7})", "alice"},
                                      {"nonsense", "JSON"}}) {
    std::ofstream(file) << content;
    const CommandOutcome outcome =
        tessera({"serve", "--data", (folder.path() / "data").string(), "--owner-limits", file});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(file), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace tessera::testing
