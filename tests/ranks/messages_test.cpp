// SPDX-License-Identifier: Apache-2.0
// Messages between node and rank: what is written is read again; whatever else comes is refused, and quickly.
#include "ranks/messages.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"

namespace tessera {
namespace {

using Read = std::function<std::string(std::string_view)>;

std::string without_end(std::string line) {
  line.pop_back();
  return line;
}

std::string again_from_rank(std::string_view line) { return without_end(to_line(rank_message(line))); }
std::string again_from_node(std::string_view line) { return without_end(to_line(node_message(line))); }

std::string again_from_gateway(std::string_view line) { return without_end(to_line(view_request(line))); }
std::string again_from_viewer(std::string_view line) { return without_end(to_line(view_reply(line))); }

struct Example {
  std::string line;
  Read read;
};

std::vector<Example> examples() {
  Hello hello;
  hello.location = "host:12";
  hello.pid = 12;
  hello.secret = "secret";
  hello.unconfined = {"no limits on files"};
  Done done;
  done.ticket = 7;
  done.findings =
      Json::parse(R"([{"operator": "harris", "columns": ["x", "y"], "count": 1, "rows": [[1.5, null]]}])");
  done.warnings = {"one", "two"};
  done.uploaded_parts = {3, 1};
  ProcessTask task;
  task.ticket = 7;
  task.input = "/in";
  task.output = "/out.png";
  task.pipeline = Json::parse(R"([{"name": "invert"}])");
  std::vector<Example> all;
  for (const RankMessage& message :
       {RankMessage(hello), RankMessage(Alive{5}), RankMessage(TaskProgress{7, 0.5, "x"}),
        RankMessage(PartLinksWanted{7, 1, 3}), RankMessage(done), RankMessage(Failed{7, "io", "No."})}) {
    all.push_back({without_end(to_line(message)), again_from_rank});
  }
  for (const NodeMessage& message :
       {NodeMessage(task), NodeMessage(PartLinks{7, {"one", "two"}, "", ""}),
        NodeMessage(PartLinks{7, {}, "unavailable", "No."}), NodeMessage(Cancel{7}), NodeMessage(End{})}) {
    all.push_back({without_end(to_line(message)), again_from_node});
  }
  ShowImage image{1, "object 1", "a.tif", task.pipeline, Json::object(), 100, 100};
  ShowPart part{1, 2, 3, 4, 5, 6, 7, true, 1, "gray", Json::object()};
  for (const ViewRequest& message : {ViewRequest(image), ViewRequest(part)}) {
    all.push_back({without_end(to_line(message)), again_from_gateway});
  }
  for (const ViewReply& message : {ViewReply(ImageShown{1, 2, 3, 4}), ViewReply(PartShown{1, 2})}) {
    all.push_back({without_end(to_line(message)), again_from_viewer});
  }
  all.push_back({without_end(to_line(TransferGrant{1, "https://store/image?signature", "\"tag\"", 5})),
                 [](std::string_view line) { return without_end(to_line(transfer_grant(line))); }});
  all.push_back({without_end(to_line(UploadGrant{1, "https://store/result?signature", 5})),
                 [](std::string_view line) { return without_end(to_line(upload_grant(line))); }});
  return all;
}

std::string refusal(const Read& read, const std::string& line) {
  try {
    read(line);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::rank_lost);
    return error.what();
  }
  return "";
}

TEST(RankMessages, AreReadAsTheyWereWritten) {
  for (const Example& example : examples()) {
    EXPECT_EQ(example.read(example.line), example.line);
  }
}

TEST(RankMessages, AreRefusedWithAMemberMissingUnknownOrOfAnotherType) {
  const std::vector<Json> values{nullptr,
                                 true,
                                 -1,
                                 1.5,
                                 1e300,
                                 "text",
                                 "",
                                 Json::array(),
                                 Json::array({1}),
                                 Json::array({Json::array()}),
                                 Json::object(),
                                 Json::object({{"a", 1}})};
  for (const Example& example : examples()) {
    const Json right = Json::parse(example.line);
    Json more = right;
    more["surprise"] = 1;
    EXPECT_NE(refusal(example.read, more.dump()), "") << more;
    for (const auto& [name, value] : right.items()) {
      Json less = right;
      less.erase(name);
      EXPECT_NE(refusal(example.read, less.dump()), "") << less;
      for (const Json& other : values) {
        if (other.type() != value.type() && !(other.is_number() && value.is_number()) &&
            !(other.is_structured() && value.is_structured())) {
          Json wrong = right;
          wrong[name] = other;
          EXPECT_NE(refusal(example.read, wrong.dump()), "") << wrong;
        }
      }
    }
  }
}

TEST(RankMessages, AreRefusedBeyondTheirBounds) {
  const auto change = [](std::size_t example, const char* name, const Json& value) {
    const Example right = examples()[example];
    Json json = Json::parse(right.line);
    json[name] = value;
    return refusal(right.read, json.dump());
  };
  for (const int pid : {-1, 0, 1}) {
    EXPECT_NE(change(0, "pid", pid), "") << "kill() takes it for many processes";
  }
  EXPECT_NE(change(0, "rank", -1), "");
  EXPECT_NE(change(0, "rank", Json::parse("18446744073709551615")), "");
  EXPECT_NE(change(2, "fraction", 1.5), "");
  EXPECT_NE(change(2, "ticket", 0), "");
  EXPECT_NE(change(2, "stage", std::string(100'000, 'x')), "");
  EXPECT_NE(change(3, "findings", Json::parse(R"([{"operator": "x"}])")), "");
  EXPECT_NE(change(3, "findings",
                   Json::parse(R"([{"operator": "x", "columns": ["a"], "count": 1, "rows": [[1, 2]]}])")),
            "");
  EXPECT_NE(change(4, "code", "no-such-code"), "");
  EXPECT_NE(change(5, "input", ""), "") << "neither attached nor named";
}

TEST(RankMessages, AreRefusedWhateverTheyAre) {
  std::string keys = "{";
  for (int i = 0; i < 200'000; ++i) {
    keys += "\"" + std::to_string(i) + "\":0,";
  }
  keys.back() = '}';
  std::string values = R"({"message":"end","values":[0)";
  for (int i = 0; i < 8'100'000; ++i) {
    values += ",0";
  }
  values += "]}";
  for (const std::string& line :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("{}"),
        std::string(R"({"tell": 1})"), std::string(R"({"message": 1})"),
        std::string(R"({"message": "stop"})"), std::string("\0\0", 2), std::string("{\"message\": \"\xff\"}"),
        std::string(1'000'000, '['), R"({"message":"alive","memory_bytes":)" + std::string(1000, '['), keys,
        values, std::string(R"({"message":"alive","memory_bytes":1e999})")}) {
    EXPECT_NE(refusal(again_from_rank, line), "") << line.substr(0, 100);
    EXPECT_NE(refusal(again_from_node, line), "") << line.substr(0, 100);
  }
  EXPECT_NE(refusal(again_from_rank, values).find("8000000 values"), std::string::npos);
}

}  // namespace
}  // namespace tessera
