// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document against what the server takes and answers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "servers/rank_processes.hpp"
#include "service/service_process.hpp"
#include "support/endless.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

const std::string tiny_ppm = "P6 2 2 255\nabcdefghijkl";

/// Asks a server, and keeps what was said.
class Recorder {
 public:
  explicit Recorder(int port) : port_(port) {}

  Answer ask(const std::string& method, const std::string& path, const Json& sent = {},
             const Fields& headers = {}) {
    return keep(method, path, sent, send_json(port_, method, path, sent, "", headers));
  }
  Answer keep(const std::string& method, const std::string& path, const Json& sent, Answer answer) {
    const std::string& type = answer.headers["content-type"];
    exchanges_.push_back({{"method", method},
                          {"path", path},
                          {"sent", sent},
                          {"status", answer.status},
                          {"content_type", type},
                          {"body", type.find("json") == std::string::npos ? std::to_string(answer.body.size())
                                                                          : answer.body}});
    if (answer.body.empty()) {
      exchanges_.back()["body"] = "";
    }
    return answer;
  }
  /// A stream: its header, and what comes until `text` has come.
  void stream(const std::string& path, const std::string& more_header, const std::string& text) {
    RawConnection connection(port_);
    connection.send(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more_header));
    const std::string head = connection.read_until("\r\n\r\n");
    const std::size_t type = head.find("Content-Type: ");
    Answer answer;
    answer.status = std::stoi(head.substr(9, 3));
    if (type != std::string::npos) {
      answer.headers["content-type"] = head.substr(type + 14, head.find('\r', type) - type - 14);
    }
    if (!text.empty()) {
      answer.body = connection.read_until(text);
    }
    keep("GET", path, {}, answer);
  }
  [[nodiscard]] const Json& exchanges() const { return exchanges_; }

 private:
  int port_;
  Json exchanges_ = Json::array();
};

std::string path_of(const Json& link) {
  const std::string url = link;
  return url.substr(url.find('/', url.find("://") + 3));
}

/// A job that kills its only rank, and so is dead-lettered.
void make_dead_letter(Recorder& recorder, const ServeProcess& serve, const std::string& photo) {
  const Json batch = json_of(recorder.ask(
      "POST", "/v1/jobs",
      {{"object", photo},
       {"name", "deadly.png"},
       {"pipeline",
        {{"operators",
          {{{"name", "resize"}, {"parameters", {{"scale", 10}}}}, {{"name", "non-local-means"}}}}}},
       {"output", {{"format", "png"}}},
       {"priority", "bulk"}}));
  const std::string job = batch.at("jobs")[0].at("id");
  ASSERT_TRUE(poll_until(
      [&] { return !json_of(send_json(serve.port(), "GET", "/v1/jobs/" + job)).at("layout").is_null(); }));
  for (const pid_t rank : ranks_of(serve.pid())) {
    ::kill(rank, SIGKILL);
  }
  follow_to_end(serve.port(), batch.at("id"));
  const Json failed = json_of(recorder.ask("GET", "/v1/jobs/" + job));
  EXPECT_EQ(failed.at("failure").at("code"), "rank-lost") << failed;
  // It is dead-lettered after its state was updated.
  ASSERT_TRUE(
      poll_until([&] { return !json_of(send_json(serve.port(), "GET", "/v1/dead")).at("dead").empty(); }));
}

/// An image that is large enough to go in parts, of which one arrives.
void upload_in_parts(Recorder& recorder, int port) {
  const Json place = json_of(recorder.ask("POST", "/v1/uploads", {{"size_bytes", 70'000'000}}));
  const Json& parts = place.at("parts");
  Json named{{"object", place.at("object")}, {"upload", parts.at("upload")}, {"size_bytes", 70'000'000}};
  const std::string last(parts.at("links").back().at("size_bytes").get<std::size_t>(), 'x');
  const std::string put = path_of(parts.at("links").back().at("url"));
  recorder.keep("PUT", put, {}, ask(port, "PUT", put, {{"Content-Type", "application/octet-stream"}}, last));
  const std::string query =
      fmt::format("/v1/uploads/parts?object={}&upload={}", place.at("object").get<std::string>(),
                  parts.at("upload").get<std::string>());
  recorder.ask("GET", query);
  recorder.ask("POST", "/v1/uploads/complete", named);
  named["parts"] = {1, 2};
  recorder.ask("POST", "/v1/uploads/links", named);
  recorder.ask("DELETE", query);
  recorder.ask("GET", query);
}

TEST(OpenApi, SaysWhatTheServerTakesAndAnswers) {
  const ServerFolder presets;
  std::ofstream(presets.path() / "presets.json") << R"({"presets": {"soft": "gaussian-blur sigma=2"}})";
  const ServeProcess serve({"--max-attempts", "1", "--presets", presets.path() / "presets.json"});
  Recorder recorder(serve.port());

  const Json place = json_of(recorder.ask("POST", "/v1/uploads", {{"content_type", "image/png"}}));
  const std::string photo = read_file(photographs(2).back());
  const std::string put = path_of(place.at("upload").at("url"));
  recorder.keep("PUT", put, {}, ask(serve.port(), "PUT", put, {{"Content-Type", "image/png"}}, photo));
  const std::string object = place.at("object");
  const std::string tiny = upload(serve.port(), tiny_ppm);

  upload_in_parts(recorder, serve.port());

  recorder.ask("POST", "/v1/pipelines", {{"pipeline", "gaussian-blur sigma=2 | otsu"}});
  recorder.ask("POST", "/v1/pipelines", {{"pipeline", "nonsense"}});
  recorder.ask("GET", "/v1/operators");
  recorder.ask("GET", "/v1/presets");
  recorder.ask("POST", "/v1/pipelines", {{"preset", "soft"}});
  const Json view = json_of(recorder.ask("POST", "/v1/views", {{"object", object}, {"preset", "soft"}}));
  const std::string info = path_of(view.at("info"));
  const std::string service = info.substr(0, info.rfind('/'));
  recorder.ask("GET", service);
  Answer described = recorder.ask("GET", info);
  recorder.ask("GET", info, {}, {{"If-None-Match", described.headers["etag"]}});
  recorder.ask("GET", service + "/0,0,100,100/50,/0/default.jpg");
  recorder.ask("GET", service + "/full/^9000,9000/0/default.jpg");
  recorder.ask("GET", service + "/full/max/45/default.jpg");
  recorder.ask("GET", "/tiles" + service.substr(5) + "/0/0/0.png");
  recorder.ask("GET", "/tiles" + service.substr(5) + "/9/0/0.png");
  recorder.ask("POST", "/v1/views", {{"object", object}, {"pipeline", "otsu"}});
  const Json one = json_of(recorder.ask(
      "POST", "/v1/jobs",
      {{"object", object},
       {"name", "photo.png"},
       {"pipeline", "hough-lines"},
       {"webhook", {{"url", "https://example.org/hook"}, {"secret", "a secret of the client"}}}}));
  const Json many =
      json_of(recorder.ask("POST", "/v1/jobs",
                           {{"items",
                             {{{"object", tiny}, {"name", "a.ppm"}},
                              {{"object", tiny}, {"pipeline", Json::array({{{"name", "otsu"}}})}}}},
                            {"pipeline", "resize scale=10"},
                            {"output", {{"format", "jpg"}, {"quality", 80}, {"strip", true}}}},
                           {{"Idempotency-Key", "again"}}));
  const CommandOutcome form =
      run_command({"curl", "-sS", "-F", "pipeline=invert", "-F", "file=@" + photographs(2).back().string(),
                   "-w", "%{http_code}", "-o", serve.folder() / "form.json", serve.url() + "/v1/jobs"});
  ASSERT_EQ(form.out, "202") << form.err;

  const std::string batch = "/v1/batches/" + one.at("id").get<std::string>();
  const std::string job = one.at("jobs")[0].at("links").at("self");
  recorder.ask("GET", job);
  recorder.ask("GET", batch);
  follow_to_end(serve.port(), one.at("id"));
  follow_to_end(serve.port(), many.at("id"));
  recorder.ask("GET", job);
  recorder.ask("GET", batch);
  recorder.ask("GET", "/v1/jobs?limit=2&state=done&batch=" + one.at("id").get<std::string>());
  recorder.ask("GET", "/v1/jobs?limit=1");
  recorder.ask("GET", "/v1/jobs?limit=none");
  recorder.ask("GET", job + "/result");
  recorder.ask("GET", job + "/input");
  recorder.ask("GET", job + "/input?link=1");
  const std::string apply = "/v1/apply?pipeline=invert&name=photo.png&format=jpg&quality=80";
  for (const char* const prefer : {"wait=5", "respond-async"}) {
    recorder.keep(
        "POST", apply, {},
        ask(serve.port(), "POST", apply, {{"Content-Type", "image/png"}, {"Prefer", prefer}}, photo));
  }
  const Json link = json_of(recorder.ask("GET", job + "/result?link=1"));
  recorder.ask("GET", path_of(link.at("url")));
  recorder.keep("GET", path_of(link.at("url")), {},
                ask(serve.port(), "GET", path_of(link.at("url")), {{"Range", "bytes=0-99"}}));
  recorder.ask("GET", batch + "/results.zip");
  recorder.stream("/v1/events?batch=" + one.at("id").get<std::string>(), "", "event: snapshot");
  recorder.stream("/v1/events/socket?job=" + one.at("jobs")[0].at("id").get<std::string>(),
                  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                  "");

  recorder.ask("POST", "/v1/stream-tokens");
  make_dead_letter(recorder, serve, object);
  Json dead = json_of(recorder.ask("GET", "/v1/dead")).at("dead");
  ASSERT_EQ(dead.size(), 1U) << dead;
  const Json again =
      json_of(recorder.ask("POST", "/v1/dead/" + dead[0].at("id").get<std::string>() + "/retry"));
  const std::string deadly = "/v1/jobs/" + again.at("job").get<std::string>();
  recorder.ask("DELETE", deadly);
  recorder.ask("DELETE", deadly);  // ended already
  recorder.ask("POST", deadly + "/retry");
  recorder.ask("DELETE", json_of(recorder.ask("GET", deadly)).at("links").at("batch"));
  make_dead_letter(recorder, serve, object);
  dead = json_of(recorder.ask("GET", "/v1/dead")).at("dead");
  ASSERT_EQ(dead.size(), 1U) << dead;
  recorder.ask("DELETE", "/v1/dead/" + dead[0].at("id").get<std::string>());
  recorder.ask("DELETE", "/v1/dead/nobody");

  recorder.ask("GET", "/v1/me");
  recorder.ask("GET", "/v1/nodes");
  recorder.ask("GET", "/healthz");
  recorder.ask("GET", "/readyz");
  recorder.ask("GET", "/metrics");
  recorder.ask("GET", "/problems/bad-parameter");
  recorder.ask("GET", "/problems/nonsense");
  const Json document = json_of(recorder.ask("GET", "/openapi.json"));

  const std::string file = serve.folder() / "exchanges.json";
  std::ofstream(file) << Json{{"document", document}, {"exchanges", recorder.exchanges()}};
  const CommandOutcome checked = run_command({"/usr/bin/python3", TESSERA_CHECK_OPENAPI, file});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

}  // namespace
}  // namespace tessera::testing
