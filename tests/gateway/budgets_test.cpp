// SPDX-License-Identifier: Apache-2.0
// Limits for one request and one owner.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"
#include "gateway/gateway_fixture.hpp"
#include "http/multipart.hpp"

namespace tessera::service {
namespace {

using testing::Answer;

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    text += piece;
  }
  return text;
}

std::string keys(std::size_t bytes) {
  std::string text = "{";
  for (int i = 0; text.size() < bytes; ++i) {
    text += fmt::format("{}\"{:x}\":0", i == 0 ? "" : ",", i);
  }
  return text + "}";
}

std::string wide_objects(std::size_t bytes) {
  std::string text = "[";
  while (text.size() < bytes) {
    text += keys(4'000) + ",";
  }
  return text + "0]";
}

/// Work is counted, so that the outcome is the same on every machine.
TEST(Budgets, WorkForJsonGrowsWithItsBytesAndNoFaster) {
  constexpr std::int64_t most_work_per_byte = max_json_members;
  const std::vector<std::function<std::string(std::size_t)>> kinds{
      keys,
      wide_objects,
      [](std::size_t bytes) { return "[" + repeated("{},", bytes) + "0]"; },
      [](std::size_t bytes) { return "[" + repeated("{\"a\":{\"b\":[]}},", bytes) + "0]"; },
      [](std::size_t bytes) { return "[" + repeated("[],", bytes) + "0]"; },
      [](std::size_t bytes) { return "[" + repeated("1,", bytes) + "0]"; },
      [](std::size_t bytes) { return "{" + repeated("\"a\":1,", bytes) + "\"a\":1}"; },
      [](std::size_t bytes) { return std::string(bytes, '['); },
      [](std::size_t bytes) { return repeated("{\"a\":", bytes); },
      [](std::size_t bytes) { return "\"" + std::string(bytes, 'x') + "\""; },
      [](std::size_t bytes) { return "\"" + repeated("\\u0041", bytes) + "\""; },
      [](std::size_t bytes) { return std::string(bytes, '9'); },
  };
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    for (const std::size_t bytes : {std::size_t{1'000}, std::size_t{100'000}, std::size_t{4} << 20}) {
      const std::string text = kinds[kind](bytes);
      JsonSize size;
      try {
        static_cast<void>(parse_untrusted_json(text, &size));
      } catch (const Json::parse_error&) {
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::usage);
      }
      EXPECT_LE(size.values, max_json_values + 1);
      EXPECT_LE(size.values + size.comparisons, most_work_per_byte * std::ssize(text))
          << "kind " << kind << ", " << bytes << " bytes";
    }
  }
}

TEST(Budgets, JsonBeyondItsLimitsIsRefusedWithTheLimit) {
  const auto sentence = [](const std::string& text) -> std::string {
    try {
      static_cast<void>(parse_untrusted_json(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  };
  std::string at_the_limit = "{";
  for (int i = 0; i < max_json_members; ++i) {
    at_the_limit += fmt::format("\"{}\":{},", i, i);
  }
  at_the_limit.pop_back();
  EXPECT_EQ(sentence(at_the_limit + "}"), "taken");
  EXPECT_EQ(
      sentence(at_the_limit + ",\"one more\":0}"),
      "An object of the JSON has more than 512 members; nothing that Tessera takes has more than a few.");
  EXPECT_EQ(sentence("[" + repeated("0,", 499'990) + "0]").substr(0, 5), "taken");
  EXPECT_EQ(sentence("[" + repeated("0,", 500'010) + "0]"),
            "The JSON has more than 250000 values; send it in smaller parts.");
  EXPECT_EQ(sentence(R"({"object": 1e999999})"), "A number of the JSON is too large.");
}

class Pieces final : public ByteSource {
 public:
  explicit Pieces(std::string text) : text_(std::move(text)) {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = std::min(out.size(), text_.size() - at_);
    std::memcpy(out.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return std::nullopt; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

TEST(Budgets, ManySmallPartsOfAFormAreReadInOneGo) {
  // Half a minute of a worker's time when each part moved the rest of the buffer.
  std::string form;
  constexpr int parts = 200'000;
  for (int i = 0; i < parts; ++i) {
    form += "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nv\r\n";
  }
  Pieces body(form + "--b--\r\n");
  http::MultipartReader reader(body, "b");
  int count = 0;
  while (reader.next()) {
    std::byte value{};
    ASSERT_EQ(reader.read({&value, 1}), 1U);
    ASSERT_EQ(reader.read({&value, 1}), 0U);
    ++count;
  }
  EXPECT_EQ(count, parts);
}

Json batch_of(int items, const Json& pipeline) {
  Json json{{"items", Json::array()}, {"pipeline", pipeline}};
  for (int i = 0; i < items; ++i) {
    json["items"].push_back({{"object", photo_name}, {"name", fmt::format("{}.ppm", i)}});
  }
  return json;
}

std::string blurs(int count) {
  std::string text = "invert";
  for (int i = 1; i < count; ++i) {
    text += " | gaussian-blur sigma=2";
  }
  return text;
}

TEST(Budgets, APipelineOfManyItemsIsBuiltOnce) {
  SubmissionLimits limits;
  limits.max_steps = 20;
  EXPECT_EQ(parse_submission(batch_of(1000, blurs(20)), {}, limits).items.size(), 1000U);
  Json equal = batch_of(10, "invert");
  for (Json& item : equal["items"]) {
    item["pipeline"] = blurs(20);
  }
  EXPECT_EQ(parse_submission(equal, {}, limits).items.size(), 10U);
  equal["items"][4]["pipeline"] = "otsu";
  try {
    static_cast<void>(parse_submission(equal, {}, limits));
    ADD_FAILURE() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit_exceeded);
    EXPECT_STREQ(error.what(),
                 "items[4]: up to here the different pipelines of the request have 21 operators; one request "
                 "may have 20. Send it in smaller parts.");
  }
}

TEST(Budgets, ParsingItemsIsCancelledWithTheRequest) {
  SubmissionLimits limits;
  int items = 0;
  limits.check_cancelled = [&] {
    if (++items == 3) {
      throw Error(ErrorCode::cancelled, "The client has disconnected.");
    }
  };
  EXPECT_THROW(static_cast<void>(parse_submission(batch_of(1000, "invert"), {}, limits)), Error);
  EXPECT_EQ(items, 3);
}

TEST_F(GatewayTest, ASmallRequestCannotBecomeALargeState) {
  options.submission.max_stored_bytes = 1'000'000;
  start();
  const std::string request = batch_of(1000, blurs(250)).dump();
  EXPECT_LT(request.size(), 91'000U);
  const Answer refused =
      testing::ask(server->port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}}, request);
  EXPECT_EQ(refused.status, 413);
  const std::string detail = Json::parse(refused.body).at("detail");
  EXPECT_NE(
      detail.find("because each is kept with its whole pipeline; one request may take 1000000. Send fewer "
                  "items at a time."),
      std::string::npos)
      << detail;
  EXPECT_TRUE(state.jobs->list({}, "", 1).jobs.empty());
  EXPECT_EQ(testing::ask(server->port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}},
                         batch_of(1000, "invert").dump())
                .status,
            202);
}

TEST_F(GatewayTest, TheLargerAnOwnersJobsTheFewerMayWait) {
  options.max_queued_bytes_per_owner = 50'000;
  start();
  int processed = 0;
  Answer answer;
  for (answer = submit({{"pipeline", blurs(250)}}); answer.status == 202;
       answer = submit({{"pipeline", blurs(250)}})) {
    ++processed;
  }
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers["retry-after"], "5");
  EXPECT_LT(processed, 5);
  EXPECT_EQ(submit().status, 202) << "small ones have room";
}

TEST_F(GatewayTest, FormFieldsAreLimited) {
  start();
  std::string form;
  for (int i = 0; i < 100; ++i) {
    form += "--b\r\nContent-Disposition: form-data; name=\"pipeline\"\r\n\r\ninvert\r\n";
  }
  form +=
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ppm\"\r\n\r\nP6 1 1 "
      "255\nabc\r\n--b--\r\n";
  EXPECT_EQ(testing::ask(server->port(), "POST", "/v1/jobs",
                         {{"Content-Type", "multipart/form-data; boundary=b"}}, form)
                .status,
            413);
}

TEST_F(GatewayTest, SentencesNameWhatHttpClientsHave) {
  start();
  const Answer unknown = submit({{"pipeline", "inwert"}});
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(unknown.body.find("tessera ops"), std::string::npos) << unknown.body;
  EXPECT_NE(unknown.body.find("GET /v1/operators lists them all"), std::string::npos) << unknown.body;
}

}  // namespace
}  // namespace tessera::service
