// SPDX-License-Identifier: Apache-2.0
// Options from a file (--config), which flags and environment variables override.
#include <gtest/gtest.h>

#include <fstream>

#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

class ConfigFile : public ::testing::Test {
 protected:
  /// Runs 'tessera serve' with this file; it must end by itself.
  CommandOutcome serve_with(const std::string& content) {
    std::ofstream(file_) << content;
    return tessera({"serve", "--data", (folder_.path() / "data").string(), "--config", file_});
  }
  ServerFolder folder_;
  std::string file_ = (folder_.path() / "serve.toml").string();
};

TEST_F(ConfigFile, HoldsOptionsUnlessFlagsGiveThem) {
  const int port = free_port();
  std::ofstream(file_) << "# a comment\n"
                       << "max-queued = 7\nprivate-webhooks = true\nallow-origin = [\"https://a.example\"]\n"
                       << "listen = \"127.0.0.1:" << port << "\"\nlog-level = \"debug\"\n"
                       << "[serve]\nmax-pixels = \"3M\"\n[gateway]\nlisten = \"256.0.0.1:1\"\n";
  const ServeProcess serve({"--config", file_});  // has a --listen of its own
  EXPECT_NE(serve.port(), port);
  const Answer preflight = ask(
      serve.port(), "OPTIONS", "/v1/jobs",
      {{"Host", "127.0.0.1"}, {"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://a.example");
}

TEST_F(ConfigFile, IsRefusedWithTheReasonWhenItIsWrong) {
  for (const auto& [content, says] : {std::pair{"max-queud = 7\n", "max-queud"},
                                      {"max-queued = \"seven\"\n", "seven"},
                                      {"max-queued = -1\n", "-1"},
                                      {"certificate = \"a.pem\"\n", "key"},
                                      {"config = \"other.toml\"\n", "config"},
                                      {"[gatewya]\nmax-queued = 7\n", "gatewya"}}) {
    const CommandOutcome outcome = serve_with(content);
    EXPECT_EQ(outcome.exit_code, 2) << content << outcome.err;
    EXPECT_NE(outcome.err.find(says), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(file_), std::string::npos) << outcome.err;
  }
}

TEST_F(ConfigFile, MustBeThereIfItIsNamed) {
  const CommandOutcome outcome =
      tessera({"gateway", "--config", (folder_.path() / "not-there.toml").string()});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE(outcome.err.find("not-there.toml"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace tessera::testing
