// SPDX-License-Identifier: Apache-2.0
// The service's metrics, taken by a real Prometheus that knows the dashboard and the alert rules.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "net/crypto.hpp"
#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

const fs::path monitoring = fs::path(TESSERA_DEPLOY_DIR) / "monitoring";

class Prometheus {
 public:
  explicit Prometheus(int service_port) {
    fs::copy_file(monitoring / "alerts.yml", folder_.path() / "alerts.yml");
    std::ofstream(folder_.path() / "prometheus.yml") << fmt::format(
        "global: {{scrape_interval: 200ms, evaluation_interval: 200ms}}\n"
        "rule_files: [alerts.yml]\n"
        "scrape_configs:\n"
        "  - job_name: tessera\n"
        "    static_configs: [{{targets: ['127.0.0.1:{}']}}]\n",
        service_port);
    process_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"prometheus",
                                 "--config.file=" + (folder_.path() / "prometheus.yml").string(),
                                 "--storage.tsdb.path=" + (folder_.path() / "data").string(),
                                 fmt::format("--web.listen-address=127.0.0.1:{}", port_)},
        ServerProcess::Environment{}, folder_.path() / "log");
    process_->wait_until_ready(port_, [this] { return ask(port_, "GET", "/-/ready").status == 200; });
  }
  /// The result of a query: a list of {"metric", "value": [time, "number"]}.
  [[nodiscard]] Json query(const std::string& expression) const {
    const Json answer = json_of(ask(port_, "GET", "/api/v1/query?query=" + percent_encode(expression)));
    EXPECT_EQ(answer.value("status", ""), "success") << expression << ": " << answer;
    return answer.contains("data") ? answer.at("data").at("result") : Json::array();
  }
  [[nodiscard]] Json rules() const {
    return json_of(ask(port_, "GET", "/api/v1/rules")).at("data").at("groups");
  }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

std::vector<std::string> expressions_of_dashboard() {
  std::vector<std::string> expressions;
  const Json dashboard = Json::parse(read_file(monitoring / "grafana-dashboard.json"));
  for (const Json& panel : dashboard.at("panels")) {
    for (const Json& target : panel.value("targets", Json::array())) {
      expressions.push_back(target.at("expr"));
    }
  }
  return expressions;
}

TEST(Metrics, AreTakenByPrometheusAndFillTheDashboard) {
  const ServeProcess serve({"--private-webhooks"});
  const Prometheus prometheus(serve.port());
  const std::string photo = read_file(photographs(2).back());
  const std::string object = upload(serve.port(), photo);
  const std::string hook = fmt::format("http://127.0.0.1:{}/hook", free_port());  // nobody is there
  // Rates need two readings of a counter, so things happen until every panel shows something.
  const auto empty_panels = [&] {
    std::vector<std::string> empty;
    for (const std::string& expression : expressions_of_dashboard()) {
      if (prometheus.query(expression).empty()) {
        empty.push_back(expression);
      }
    }
    return empty;
  };
  std::vector<std::string> empty;
  const auto timeout = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    const Json batch =
        json_of(send_json(serve.port(), "POST", "/v1/jobs",
                          {{"object", object},
                           {"pipeline", "invert"},
                           {"webhook", {{"url", hook}, {"secret", "a secret of the client"}}}}));
    follow_to_end(serve.port(), batch.at("id"));
    ask(serve.port(), "GET", "/v1/jobs");
    empty = empty_panels();
  } while (!empty.empty() && std::chrono::steady_clock::now() < timeout);
  EXPECT_TRUE(empty.empty()) << fmt::format("nothing is shown by {} panels, the first asks {}", empty.size(),
                                            empty.front());

  const auto value = [&](const std::string& expression) {
    const Json result = prometheus.query(expression);
    return result.empty() ? -1.0 : std::stod(result[0].at("value")[1].get<std::string>());
  };
  const double done = value("tessera_job_ends_total{end='done'}");
  EXPECT_GE(done, 1);
  EXPECT_GE(value("tessera_store_bytes_total{direction='in'}"), done);
  EXPECT_GE(value("tessera_job_phase_seconds_count{phase='work'}"), done);
  EXPECT_EQ(value("tessera_ranks{state='busy'} + on() tessera_ranks{state='idle'}"), 1);
  // Events are counted when they are given to clients, a moment after.
  while (value("tessera_events_total{type='done'}") < done && std::chrono::steady_clock::now() < timeout) {
    std::this_thread::yield();
  }
  EXPECT_GE(value("tessera_events_total{type='done'}"), done);
  EXPECT_EQ(value("tessera_http_requests_total{route='none'}"), -1);

  std::size_t rules = 0;
  for (const Json& group : prometheus.rules()) {
    for (const Json& rule : group.at("rules")) {
      ++rules;
      EXPECT_EQ(rule.value("lastError", ""), "") << rule.at("name");
      EXPECT_NE(rule.at("state"), "firing") << rule.at("name");
    }
  }
  EXPECT_GE(rules, 10U);
}

TEST(Metrics, AlertsFireWhenTheyShouldAndNotBefore) {
  const CommandOutcome outcome = run_command({"promtool", "test", "rules", monitoring / "alerts_test.yml"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

TEST(Metrics, AreInTheFormatThatPrometheusChecks) {
  const ServeProcess serve;
  const fs::path file = serve.folder() / "metrics";
  std::ofstream(file) << ask(serve.port(), "GET", "/metrics").body;
  const CommandOutcome outcome =
      run_command({"sh", "-c", fmt::format("promtool check metrics < '{}'", file.string())});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out + outcome.err, "");
}

}  // namespace
}  // namespace tessera::testing
