// SPDX-License-Identifier: Apache-2.0
// POST /v1/apply, with a node that the test plays.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "gateway/gateway_fixture.hpp"
#include "service/gateway/preferences.hpp"
#include "support/wait.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::Fields;

const std::string tiny_ppm = "P6 1 1 255\nabc";

class ApplyTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    // Only events wake those who wait.
    options.apply_waits.lookup_interval = 1h;
  }
  [[nodiscard]] Answer apply(const std::string& query = "?pipeline=invert", const Fields& headers = {},
                             const std::string& body = tiny_ppm) const {
    Fields all{{"Content-Type", "image/x-portable-pixmap"}};
    all.insert(all.end(), headers.begin(), headers.end());
    return testing::ask(server->port(), "POST", "/v1/apply" + query, all, body);
  }
  /// Takes the next job from the queue.
  [[nodiscard]] std::string next_job() const {
    const auto delivery = queue->receive(testing::wait_limit);
    if (!delivery) {
      return {};
    }
    queue->acknowledge(delivery->tag);
    return delivery->message.job_id;
  }
  [[nodiscard]] std::size_t jobs() const { return state.jobs->list({}, "", 100).jobs.size(); }
  [[nodiscard]] std::size_t uploads() const { return objects->list("uploads/", "", 100).objects.size(); }
};

TEST_F(ApplyTest, AnswersWithTheResultWhenTheJobEnds) {
  start();
  for (int round = 0; round < 2; ++round) {  // the second finds nobody waiting before it
    std::future<std::string> node = std::async([&] {
      std::string id = next_job();
      finish(id);
      return id;
    });
    Answer answer = apply("?pipeline=invert&name=photo.ppm&format=png");
    const std::string id = node.get();
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, tiny_ppm) << "what the test's node has stored";
    EXPECT_EQ(answer.headers["content-type"], "image/png");
    EXPECT_EQ(answer.headers["link"], "</v1/jobs/" + id + ">; rel=\"describedby\"");
    EXPECT_NE(answer.headers["content-disposition"].find("photo-invert.png"), std::string::npos);
    EXPECT_EQ(answer.headers["cache-control"], "private, no-store");
    const Job job = state.jobs->find(id).value();
    EXPECT_EQ(job.request.name, "photo.ppm");
    EXPECT_EQ(job.request.output, (Json{{"format", "png"}}));
    EXPECT_EQ(job.request.priority, Priority::interactive);
    EXPECT_EQ(objects->stat(job.request.object)->size_bytes, std::ssize(tiny_ppm));
  }
}

TEST_F(ApplyTest, IsDoneOnceForOneIdempotencyKey) {
  start();
  const Fields key{{"Idempotency-Key", "again"}};
  std::future<std::string> node = std::async([&] {
    std::string id = next_job();
    finish(id);
    return id;
  });
  const Answer first = apply("?pipeline=invert", key);
  const std::string link = "</v1/jobs/" + node.get() + ">; rel=\"describedby\"";
  ASSERT_EQ(first.status, 200) << first.body;
  const std::size_t stored = uploads();
  Answer again = apply("?pipeline=invert", key);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers["link"], link);
  EXPECT_EQ(jobs(), 1U);
  EXPECT_EQ(uploads(), stored);
  EXPECT_EQ(apply("?pipeline=otsu", key).status, 422) << "another request";
  EXPECT_EQ(apply("?pipeline=invert", key, "P6 1 1 255\nxyz").status, 422) << "another image";
  EXPECT_EQ(jobs(), 1U);
}

TEST_F(ApplyTest, TakesJsonForAnImageThatIsStored) {
  start();
  std::future<void> node = std::async([&] { finish(next_job()); });
  const Answer answer =
      testing::ask(server->port(), "POST", "/v1/apply", {{"Content-Type", "application/json"}},
                   Json{{"object", photo_name}, {"name", "photo.ppm"}, {"pipeline", "invert"}}.dump());
  node.get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, tiny_ppm);
}

TEST_F(ApplyTest, KeepsNothingIfAskedTo) {
  start();
  const std::size_t before = uploads();
  std::future<void> node = std::async([&] { finish(next_job()); });
  const Answer answer = apply("?pipeline=invert&keep=false");
  node.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, tiny_ppm);
  EXPECT_FALSE(answer.headers.contains("link")) << "the job is gone";
  EXPECT_EQ(jobs(), 0U);
  EXPECT_EQ(uploads(), before);
  EXPECT_TRUE(objects->list("results/", "", 100).objects.empty());

  const Answer later = apply("?pipeline=invert&keep=false", {{"Prefer", "wait=0"}});
  EXPECT_EQ(later.status, 202);
  EXPECT_EQ(jobs(), 1U) << "its result is still to be fetched";
  EXPECT_EQ(apply("?pipeline=invert&keep=no").status, 400);
}

TEST_F(ApplyTest, TakesFormsAndOptionsOfEveryKind) {
  start();
  const std::string form =
      "--x\r\nContent-Disposition: form-data; name=\"pipeline\"\r\n\r\ninvert\r\n"
      "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ppm\"\r\n\r\n" +
      tiny_ppm + "\r\n--x--\r\n";
  const Fields as_form{{"Content-Type", "multipart/form-data; boundary=x"}, {"Prefer", "respond-async"}};
  const Answer answer = testing::ask(server->port(), "POST", "/v1/apply", as_form, form);
  ASSERT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(Json::parse(answer.body).at("request").at("name"), "a.ppm");
  EXPECT_EQ(testing::ask(server->port(), "POST", "/v1/apply?pipeline=invert", as_form, form).status, 400);

  const Answer chosen =
      apply("?pipeline=invert&format=jpg&quality=70&strip=location&salvage=true", {{"Prefer", "wait=0"}});
  ASSERT_EQ(chosen.status, 202) << chosen.body;
  const Json request = Json::parse(chosen.body).at("request");
  EXPECT_EQ(request.at("output"),
            (Json{{"format", "jpg"}, {"quality", 70}, {"strip", "location"}, {"salvage", true}}));
  EXPECT_EQ(request.at("name"), "image");
  const Answer jpeg =
      testing::ask(server->port(), "POST",
                   "/v1/apply?pipeline=%7B%22operators%22%3A%5B%7B%22name%22%3A%22otsu%22%7D%5D%7D",
                   {{"Content-Type", "image/jpeg"}, {"Prefer", "wait=0"}}, tiny_ppm);
  ASSERT_EQ(jpeg.status, 202) << jpeg.body;
  EXPECT_EQ(Json::parse(jpeg.body).at("request").at("name"), "image.jpg");
}

TEST_F(ApplyTest, AnswersWithTheJobWhenTheTimeIsOver) {
  start();
  for (const auto& [prefer, applied] : std::vector<std::pair<std::string, std::string>>{
           {"respond-async", ""}, {"wait=0", "wait=0"}, {"respond-async, wait=1", "wait=1"}}) {
    Answer answer = apply("?pipeline=invert", {{"Prefer", prefer}});
    ASSERT_EQ(answer.status, 202) << answer.body;
    const Json job = Json::parse(answer.body);
    EXPECT_EQ(job.at("state"), "queued");
    EXPECT_EQ(answer.headers["location"], "/v1/jobs/" + job.at("id").get<std::string>());
    EXPECT_EQ(answer.headers["preference-applied"], applied);
    EXPECT_EQ(next_job(), job.at("id"));
  }
}

TEST_F(ApplyTest, WaitsNoLongerThanItsLimit) {
  options.max_apply_wait = 1s;
  start();
  Answer answer = apply("?pipeline=invert", {{"Prefer", "wait=1000000"}});
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.headers["preference-applied"], "wait=1");
}

TEST_F(ApplyTest, DoesNotWaitIfTooManyDo) {
  options.apply_waits.per_owner = 0;
  start();
  EXPECT_EQ(apply().status, 202);
}

TEST_F(ApplyTest, SaysWhyTheJobFailed) {
  start();
  std::future<void> node = std::async([&] {
    JobChange change;
    change.state = JobState::failed;
    change.failure = JobFailure{"damaged-input", "The image ends after 3 of 9 rows."};
    state.jobs->change(next_job(), 0, change);
  });
  Answer answer = apply();
  node.get();
  const Json problem = Json::parse(answer.body);
  EXPECT_EQ(problem.at("type"), "/problems/damaged-input");
  EXPECT_EQ(problem.at("detail"), "The image ends after 3 of 9 rows.");
  EXPECT_EQ(answer.status, problem.at("status"));
  EXPECT_NE(answer.headers["link"].find("rel=\"describedby\""), std::string::npos);

  std::future<void> canceller = std::async([&] {
    JobChange change;
    change.state = JobState::cancelled;
    state.jobs->change(next_job(), 0, change);
  });
  const Answer cancelled = apply();
  canceller.get();
  EXPECT_EQ(Json::parse(cancelled.body).at("type"), "/problems/conflict") << cancelled.body;
}

TEST_F(ApplyTest, RefusesWithoutATrace) {
  options.max_apply_bytes = 100;
  start();
  const std::size_t before = uploads();
  EXPECT_EQ(apply("?pipeline=invert", {}, std::string(101, 'a')).status, 413);
  EXPECT_EQ(apply("?pipeline=invert", {}, "").status, 400);
  EXPECT_EQ(apply("").status, 400);
  EXPECT_EQ(apply("?pipeline=invrt").status, Json::parse(apply("?pipeline=invrt").body).at("status"));
  EXPECT_EQ(apply("?pipeline=invert&qualty=70").status, 400);
  EXPECT_EQ(apply("?pipeline=invert&quality=700").status, 400);
  EXPECT_EQ(apply("?pipeline=invert&name=a%2Fb").status, 400);
  const Answer unknown = apply("?pipeline=invert&object=uploads/bob/photo");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("'object'"), std::string::npos) << unknown.body;
  EXPECT_EQ(jobs(), 0U);
  EXPECT_EQ(uploads(), before);
}

TEST_F(ApplyTest, CancelsTheJobOfAClientThatGoes) {
  start();
  {
    testing::RawConnection connection(server->port());
    connection.send(
        "POST /v1/apply?pipeline=invert HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n" +
        tiny_ppm);
    ASSERT_TRUE(testing::poll_until([&] { return jobs() == 1; }));
  }
  EXPECT_TRUE(testing::poll_until(
      [&] { return state.jobs->list({}, "", 1).jobs.front().state == JobState::cancelled; }));
}

TEST_F(ApplyTest, AnswersThoseWhoWaitWhenTheServiceEnds) {
  start();
  std::future<Answer> waiting = std::async([&] { return apply(); });
  ASSERT_TRUE(testing::poll_until([&] { return jobs() == 1; }));
  gateway->end_waits();
  EXPECT_EQ(waiting.get().status, 202);
  EXPECT_EQ(apply().status, 202) << "nor does it begin to wait";
}

TEST(Preferences, AreReadAsTheStandardWritesThem) {
  EXPECT_EQ(parse_preferences("wait=10").wait, 10s);
  EXPECT_EQ(parse_preferences("respond-async, WAIT = \"5\"; x=1, wait=7").wait, 5s);
  EXPECT_TRUE(parse_preferences("handling=lenient,Respond-Async").respond_async);
  for (const char* const text :
       {"", "wait", "wait=", "wait=-1", "wait=1.5", "wait=99999999999", "await=3", ",=,;"}) {
    EXPECT_FALSE(parse_preferences(text).wait) << text;
    EXPECT_FALSE(parse_preferences(text).respond_async) << text;
  }
}

}  // namespace
}  // namespace tessera::service
