// SPDX-License-Identifier: Apache-2.0
// The whole service as `tessera serve` runs it, from the client's side.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include "net/signed_link.hpp"
#include "servers/rank_processes.hpp"
#include "service/journey.hpp"
#include "service/service_process.hpp"
#include "support/endless.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

const std::string tiny_ppm = "P6 2 2 255\nabcdefghijkl";

TEST(Serve, GivesThreeClientsAtOnceWhatApplyMakes) {
  const ServeProcess serve({"--ranks", "2", "--threads", "1"});
  expect_three_clients_get_what_apply_makes(serve.url(), serve.port(), serve.folder());
}

TEST(Serve, TellsWhatHappensAndWhatWasMissed) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), tiny_ppm);
  const Json batch = json_of(send_json(serve.port(), "POST", "/v1/jobs",
                                       {{"object", object}, {"name", "tiny.ppm"}, {"pipeline", "invert"}}));
  const auto types = follow_to_end(serve.port(), batch.at("id"));
  EXPECT_EQ(types.front(), "snapshot");

  // Cut off after each event and back again: the same events, none missing, none twice.
  std::vector<std::string> seen;
  std::string last = "0";
  while (seen.empty() || seen.back() != "done") {
    RawConnection connection(serve.port());
    connection.send(fmt::format("GET /v1/events?batch={} HTTP/1.0\r\nLast-Event-ID: {}\r\n\r\n",
                                batch.at("id").get<std::string>(), last));
    connection.read_until("\r\n\r\n");
    const std::string event = connection.read_until("\n\n");
    last = event.substr(4, event.find('\n') - 4);
    const std::size_t type = event.find("event: ") + 7;
    seen.push_back(event.substr(type, event.find('\n', type) - type));
  }
  std::erase(seen, "progress");
  EXPECT_EQ(seen, (std::vector<std::string>{"queued", "running", "storing", "done"}));
}

TEST(Serve, RefusesWhatIsWrongInASentenceAndGoesOn) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), tiny_ppm);
  const auto item = [&](const Json& change) {
    Json json{{"object", object}, {"name", "tiny.ppm"}, {"pipeline", "invert"}};
    if (!change.is_null()) {
      json.update(change);
    }
    return json;
  };
  struct Case {
    std::string method;
    std::string path;
    Json body;
    int status;
    std::string type;
    std::string says;
  };
  const std::vector<Case> cases{
      {"POST", "/v1/jobs", item({{"pipeline", "nonsense"}}), 422, "unknown-operator", "nonsense"},
      {"POST", "/v1/jobs", item({{"pipeline", "gaussian-blur sigma=1000"}}), 422, "bad-parameter", "sigma"},
      {"POST", "/v1/jobs", item({{"pipeline", 7}}), 400, "usage", "pipeline"},
      {"POST", "/v1/jobs", item({{"object", "uploads/local/nothing"}}), 404, "not-found",
       "uploads/local/nothing"},
      {"POST", "/v1/jobs", item({{"object", "../../etc/passwd"}}), 400, "usage", "etc/passwd"},
      {"POST", "/v1/jobs", item({{"name", "a/b.png"}}), 400, "usage", "name"},
      {"POST", "/v1/jobs", item({{"output", {{"format", "exe"}}}}), 400, "usage", "exe"},
      {"POST", "/v1/jobs", item({{"output", {{"quality", 101}}}}), 400, "usage", "101"},
      {"POST", "/v1/jobs", item({{"priority", "now"}}), 400, "usage", "now"},
      {"POST", "/v1/jobs", item({{"colour", "red"}}), 400, "usage", "colour"},
      {"POST", "/v1/jobs", item({{"webhook", {{"url", "http://h"}}}}), 400, "usage", "secret"},
      {"POST", "/v1/jobs", item({{"webhook", {{"url", "http://h"}, {"secret", "short"}}}}), 400, "usage",
       "16"},
      {"POST", "/v1/jobs", item({{"webhook", {{"url", "ftp://h"}, {"secret", "a secret of 16"}}}}), 400,
       "usage", "ftp://h"},
      {"POST", "/v1/jobs", {{"items", Json::array()}}, 400, "usage", "items"},
      {"POST", "/v1/jobs", Json::array(), 400, "usage", "JSON object"},
      {"GET", "/v1/jobs/job_nobody", {}, 404, "not-found", "job_nobody"},
      {"DELETE", "/v1/jobs/job_nobody", {}, 404, "not-found", "job_nobody"},
      {"GET", "/v1/batches/batch_nobody", {}, 404, "not-found", "batch_nobody"},
      {"GET", "/v1/events?batch=batch_nobody", {}, 404, "not-found", "batch_nobody"},
      {"GET", "/v1/events?job=job_nobody", {}, 404, "not-found", "job_nobody"},
      {"GET", "/v1/jobs?limit=0", {}, 400, "usage", "limit"},
      {"GET", "/v1/jobs?state=odd", {}, 400, "usage", "odd"},
      {"GET", "/v1/nothing", {}, 404, "no-such-page", "/v1/nothing"},
      {"PATCH", "/v1/jobs", {}, 405, "method-not-allowed", "PATCH"},
  };
  for (const Case& one : cases) {
    const Answer answer = send_json(serve.port(), one.method, one.path, one.body);
    const std::string what = one.method + " " + one.path + " " + one.body.dump() + ": " + answer.body;
    EXPECT_EQ(answer.status, one.status) << what;
    const Json problem = Json::parse(answer.body, nullptr, false);
    ASSERT_TRUE(problem.is_object()) << what;
    EXPECT_EQ(problem.value("type", ""), "/problems/" + one.type) << what;
    EXPECT_NE(problem.value("detail", "").find(one.says), std::string::npos) << what;
  }
  EXPECT_EQ(ask(serve.port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}}, "{").status, 400);
  EXPECT_EQ(ask(serve.port(), "POST", "/v1/jobs", {{"Content-Type", "text/plain"}}, "{}").status, 415);

  // Hostile files: the job fails with its reason, and the next is done.
  std::size_t count = 0;
  for (const auto& file : fs::directory_iterator(fs::path(TESSERA_CASES_DIR) / "bombs-own")) {
    if (++count > 8) {
      break;
    }
    const std::string bad = upload(serve.port(), read_file(file.path()));
    const Json batch = json_of(
        send_json(serve.port(), "POST", "/v1/jobs",
                  {{"items",
                    {{{"object", bad}, {"name", file.path().filename().string()}, {"pipeline", "invert"}},
                     item({})}}}));
    follow_to_end(serve.port(), batch.at("id"));
    const Json after = json_of(ask(serve.port(), "GET", "/v1/batches/" + batch.at("id").get<std::string>()));
    const Json& jobs = after.at("jobs");
    EXPECT_EQ(jobs[1].at("state"), "done") << jobs[1];
    if (jobs[0].at("state") == "failed") {
      EXPECT_FALSE(jobs[0].at("failure").at("sentence").get<std::string>().empty());
    }
  }
}

TEST(Serve, LinksAllowWhatTheyWereMadeForUntilTheyExpire) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), tiny_ppm);
  const LinkSigner signer(serve.url(), read_file(serve.folder() / "data/link-secret"));
  const auto target = [&](const Link& link) { return link.url.substr(serve.url().size()); };
  const std::string good = target(signer.sign("GET", object, {}, system_now()));
  EXPECT_EQ(ask(serve.port(), "GET", good).body, tiny_ppm);
  EXPECT_EQ(ask(serve.port(), "GET", good, {{"Range", "bytes=0-1"}}).body, "P6");
  EXPECT_EQ(ask(serve.port(), "HEAD", good).headers["content-length"], std::to_string(tiny_ppm.size()));
  const Answer written = ask(serve.port(), "PUT", good, {}, "x");
  EXPECT_EQ(written.status, 403) << written.body;
  std::string forged = good;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(ask(serve.port(), "GET", forged).status, 403);
  EXPECT_EQ(ask(serve.port(), "GET", "/objects/" + object).status, 403);
  const Answer late =
      ask(serve.port(), "GET", target(signer.sign("GET", object, {}, system_now() - std::chrono::hours(2))));
  EXPECT_EQ(late.status, 403);
  EXPECT_NE(late.body.find("expired"), std::string::npos) << late.body;
}

TEST(Serve, AnswersARepeatedRequestWithTheSameJobs) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), tiny_ppm);
  const Json body{{"object", object}, {"name", "tiny.ppm"}, {"pipeline", "invert"}};
  const Json first =
      json_of(send_json(serve.port(), "POST", "/v1/jobs", body, "", {{"Idempotency-Key", "k"}}));
  const Json second =
      json_of(send_json(serve.port(), "POST", "/v1/jobs", body, "", {{"Idempotency-Key", "k"}}));
  EXPECT_EQ(first.at("id"), second.at("id"));
  Json other = body;
  other["pipeline"] = "otsu";
  const Answer refused = send_json(serve.port(), "POST", "/v1/jobs", other, "", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(json_of(refused).at("type"), "/problems/idempotency-mismatch");
  EXPECT_EQ(json_of(ask(serve.port(), "GET", "/v1/jobs")).at("jobs").size(), 1U);
}

TEST(Serve, KeepsClientsApart) {
  const ServeProcess serve({}, ServeDoor::closed);
  const auto token = [&](const std::string& owner, const std::string& scopes) {
    const CommandOutcome outcome =
        tessera({"token", "--state", serve.state_url(), "add", owner, "--scope", scopes});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out.substr(0, outcome.out.find('\n'));
  };
  const std::string ann = token("ann", "submit,read");
  const std::string bob = token("bob", "submit,read");
  const std::string reader = token("ann", "read");
  const std::string admin = token("root", "admin");
  EXPECT_EQ(ask(serve.port(), "GET", "/v1/jobs").status, 401);
  EXPECT_EQ(send_json(serve.port(), "GET", "/v1/jobs", {}, "tsr_wrong").status, 401);
  const std::string object = upload(serve.port(), tiny_ppm, ann);
  const Json body{{"object", object}, {"name", "tiny.ppm"}, {"pipeline", "invert"}};
  EXPECT_EQ(send_json(serve.port(), "POST", "/v1/jobs", body, bob).status, 404);
  EXPECT_EQ(send_json(serve.port(), "POST", "/v1/jobs", body, reader).status, 403);
  const Json batch = json_of(send_json(serve.port(), "POST", "/v1/jobs", body, ann));
  const std::string job = "/v1/jobs/" + batch.at("jobs")[0].at("id").get<std::string>();
  follow_to_end(serve.port(), batch.at("id"), ann);
  for (const std::string& path : {job, job + "/result", "/v1/batches/" + batch.at("id").get<std::string>()}) {
    EXPECT_EQ(send_json(serve.port(), "GET", path, {}, bob).status, 404) << path;
    for (const std::string& allowed : {reader, admin}) {
      const Answer answer = send_json(serve.port(), "GET", path, {}, allowed);
      EXPECT_LT(answer.status, 400) << path << ": " << answer.body;
    }
  }
  EXPECT_EQ(send_json(serve.port(), "DELETE", job, {}, bob).status, 404);
  EXPECT_EQ(send_json(serve.port(), "DELETE", job, {}, reader).status, 403);
  EXPECT_TRUE(json_of(send_json(serve.port(), "GET", "/v1/jobs", {}, bob)).at("jobs").empty());
  EXPECT_EQ(send_json(serve.port(), "GET", "/v1/dead", {}, ann).status, 403);
  EXPECT_EQ(send_json(serve.port(), "GET", "/v1/dead", {}, admin).status, 200);
  const Answer events = send_json(serve.port(), "GET", "/v1/events?job=" + job.substr(9), {}, bob);
  EXPECT_EQ(events.status, 404);
}

TEST(Serve, IsOpenOnLoopbackOnly) {
  const ServerFolder folder;
  const CommandOutcome outcome = tessera({"serve", "--data", folder.path() / "data", "--listen",
                                          fmt::format("0.0.0.0:{}", free_port()), "--open"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("--open"), std::string::npos) << outcome.err;
}

TEST(Serve, LosesNothingWhenItIsKilled) {
  ServeProcess serve;
  const std::string object = upload(serve.port(), read_file(photographs(2).back()));
  Json items = Json::array();
  for (int i = 0; i < 12; ++i) {
    items.push_back({{"object", object}, {"name", fmt::format("{}.png", i)}});
  }
  const Answer answer =
      send_json(serve.port(), "POST", "/v1/jobs",
                {{"items", items}, {"pipeline", "median size=5 | non-local-means search-radius=16"}});
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Json batch = json_of(answer);
  const std::string path = "/v1/batches/" + batch.at("id").get<std::string>();
  // In the midst of it: something is running.
  ASSERT_TRUE(poll_until([&] {
    const Json counts = json_of(ask(serve.port(), "GET", path)).at("counts");
    return counts.at("running") > 0 || counts.at("done") == 12;
  }));
  serve.kill();
  serve.start();
  follow_to_end(serve.port(), batch.at("id"));
  const Json after = json_of(ask(serve.port(), "GET", path));
  EXPECT_EQ(after.at("counts").at("done"), 12) << after.at("counts");
  std::set<std::string> results;
  for (const Json& job : after.at("jobs")) {
    const Json link =
        json_of(ask(serve.port(), "GET", job.at("links").at("result").get<std::string>() + "?link=1"));
    results.insert(
        ask(serve.port(), "GET", link.at("url").get<std::string>().substr(serve.url().size())).body);
  }
  EXPECT_EQ(results.size(), 1U);
}

TEST(Serve, LetsGoOfItsPortWhenItIsKilled) {
  ServeProcess serve;
  const std::vector<pid_t> ranks = ranks_of(serve.pid());
  ASSERT_FALSE(ranks.empty());
  for (const pid_t rank : ranks) {
    for (const auto& file : fs::directory_iterator(fmt::format("/proc/{}/fd", rank))) {
      std::error_code gone;
      const std::string target = fs::read_symlink(file.path(), gone).string();
      const std::string sockets = read_file(fmt::format("/proc/{}/net/tcp", rank));
      if (target.starts_with("socket:[")) {
        // "... 0A ... INODE ..." is a listening socket.
        const std::string inode = target.substr(8, target.size() - 9);
        EXPECT_EQ(std::regex_search(sockets, std::regex(" 0A [^\n]* " + inode + " ")), false) << target;
      }
    }
  }
}

TEST(Serve, CancelsWhatRuns) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), read_file(photographs(2).back()));
  const Json batch = json_of(
      send_json(serve.port(), "POST", "/v1/jobs",
                {{"object", object}, {"name", "a.png"}, {"pipeline", endless_pipeline_on_any_image}}));
  const std::string path = "/v1/jobs/" + batch.at("jobs")[0].at("id").get<std::string>();
  ASSERT_TRUE(poll_until([&] { return json_of(ask(serve.port(), "GET", path)).at("state") == "running"; }));
  EXPECT_EQ(json_of(ask(serve.port(), "DELETE", path)).at("state"), "cancelled");
  // The ranks are free again: another job gets through.
  const std::string small = upload(serve.port(), tiny_ppm);
  const Json next = json_of(send_json(serve.port(), "POST", "/v1/jobs",
                                      {{"object", small}, {"name", "tiny.ppm"}, {"pipeline", "invert"}}));
  follow_to_end(serve.port(), next.at("id"));
  EXPECT_EQ(json_of(ask(serve.port(), "GET", path)).at("state"), "cancelled");
  const Json again = json_of(send_json(serve.port(), "POST", path + "/retry"));
  EXPECT_EQ(again.at("state"), "queued");
  EXPECT_EQ(json_of(ask(serve.port(), "DELETE", path)).at("state"), "cancelled");
}

TEST(Serve, CommandsSayWhatThereIs) {
  const ServeProcess serve;
  const fs::path photo = photographs(2).back();
  const CommandOutcome submitted =
      tessera({"submit", "--server", serve.url(), "--no-wait", "invert", photo, "--format", "jpg"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  const std::string batch = submitted.out.substr(0, submitted.out.find('\n'));
  const CommandOutcome watched = tessera({"watch", "--server", serve.url(), batch});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  EXPECT_NE(watched.err.find("done"), std::string::npos) << watched.err;
  const CommandOutcome status = tessera({"status", "--server", serve.url(), "--json", batch});
  EXPECT_EQ(Json::parse(status.out).at("state"), "done");
  EXPECT_NE(tessera({"ls", "--server", serve.url()}).out.find("done"), std::string::npos);
  // A node tells of itself in its own time.
  ASSERT_TRUE(poll_until([&] {
    return tessera({"nodes", "--server", serve.url()}).out.find("1 ranks") != std::string::npos;
  }));
  for (const char* name : {"-invert.jpg", "-invert (2).jpg"}) {
    const CommandOutcome got = tessera({"get", "--server", serve.url(), batch, "-o", serve.folder() / "got"});
    EXPECT_EQ(got.exit_code, 0) << got.err;
    EXPECT_TRUE(fs::exists(serve.folder() / "got" / (photo.stem().string() + name))) << got.out;
  }
  const CommandOutcome refused = tessera({"submit", "--server", serve.url(), "nonsense", photo});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("nonsense"), std::string::npos) << refused.err;
  const CommandOutcome absent = tessera({"ls", "--server", fmt::format("http://127.0.0.1:{}", free_port())});
  EXPECT_NE(absent.exit_code, 0);
  EXPECT_NE(absent.err.find("cannot be reached"), std::string::npos) << absent.err;
  EXPECT_EQ(tessera({"dead", "--server", serve.url(), "list"}).exit_code, 0);
}

}  // namespace
}  // namespace tessera::testing
