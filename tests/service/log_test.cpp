// SPDX-License-Identifier: Apache-2.0
// The log in JSON, whatever clients send.
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "service/service_process.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

std::vector<Json> lines_of(const ServeProcess& serve) {
  std::vector<Json> lines;
  std::istringstream text(serve.log());
  for (std::string line; std::getline(text, line) && !text.eof();) {  // not what is being written
    lines.push_back(Json::parse(line, nullptr, false));
  }
  return lines;
}

TEST(JsonLog, EachLineIsAnObjectWithTheSameFieldsInFront) {
  const ServeProcess serve;  // with --log-format json
  const std::string path = "/v1/jobs/\"quoted\\\xff";
  EXPECT_GE(ask(serve.port(), "GET", path).status, 400);
  EXPECT_EQ(ask(serve.port(), "GET", "/v1/me").status, 200);
  const auto request = [&](const std::string& beginning) {
    for (const Json& line : lines_of(serve)) {
      if (line.value("path", "").starts_with(beginning)) {
        return line;
      }
    }
    return Json();
  };
  ASSERT_TRUE(poll_until([&] { return request("/v1/me").is_object(); }));
  for (const Json& line : lines_of(serve)) {
    ASSERT_TRUE(line.is_object());
    std::vector<std::string> names;
    for (const auto& [name, value] : line.items()) {
      names.push_back(name);
    }
    ASSERT_GE(names.size(), 4U) << line;
    names.resize(3);
    EXPECT_EQ(names, (std::vector<std::string>{"time", "level", "component"}));
  }
  const Json me = request("/v1/me");
  EXPECT_EQ(me.at("event"), "request");
  EXPECT_EQ(me.at("method"), "GET");
  EXPECT_EQ(me.at("status"), 200);
  EXPECT_GT(me.at("bytes"), 0);
  EXPECT_GT(me.at("duration_ms"), 0);
  EXPECT_EQ(me.at("peer"), "127.0.0.1");
}

}  // namespace
}  // namespace tessera::testing
