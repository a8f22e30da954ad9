// SPDX-License-Identifier: Apache-2.0
// The dashboard and the alert rules against the metrics that there are.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "schema/param.hpp"
#include "servers/server_process.hpp"
#include "service/metrics.hpp"

namespace tessera::service {
namespace {

std::set<std::string> metrics_in(const std::string& text) {
  static const std::regex name("tessera_[a-z_]+");
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), name), end; match != end; ++match) {
    names.insert(match->str());
  }
  return names;
}

/// What Prometheus stores of the metrics.
std::set<std::string> stored_names() {
  std::set<std::string> names;
  for (const MetricInfo& info : Metrics::all()) {
    const std::string name(info.name);
    if (info.kind == MetricKind::histogram) {
      names.insert({name + "_bucket", name + "_sum", name + "_count"});
    } else {
      names.insert(name);
    }
  }
  return names;
}

std::string base_name(std::string name) {
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix) && !name.ends_with("_total")) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

TEST(Monitoring, UsesOnlyMetricsThatThereAreAndShowsAllOfThem) {
  const std::string dashboard = testing::read_file(TESSERA_DEPLOY_DIR "/monitoring/grafana-dashboard.json");
  const std::string alerts = testing::read_file(TESSERA_DEPLOY_DIR "/monitoring/alerts.yml");
  const std::set<std::string> stored = stored_names();
  std::set<std::string> shown;
  for (const std::string& text : {dashboard, alerts}) {
    const std::set<std::string> used = metrics_in(text);
    ASSERT_FALSE(used.empty());
    for (const std::string& name : used) {
      EXPECT_TRUE(stored.contains(name)) << name;
    }
  }
  for (const std::string& name : metrics_in(dashboard)) {
    shown.insert(base_name(name));
  }
  for (const MetricInfo& info : Metrics::all()) {
    EXPECT_TRUE(shown.contains(std::string(info.name))) << info.name;
  }
}

TEST(Monitoring, MetricsAreNamedAsPrometheusWants) {
  std::set<std::string_view> seen;
  for (const MetricInfo& info : Metrics::all()) {
    EXPECT_TRUE(seen.insert(info.name).second) << info.name;
    EXPECT_EQ(info.name.ends_with("_total"), info.kind == MetricKind::counter) << info.name;
    EXPECT_TRUE(info.doc.ends_with(".")) << info.name;
  }
  // Each knows its place in the enumeration.
  const auto all = Metrics::all();
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(all[i].metric), i) << all[i].name;
  }
}

TEST(Monitoring, DashboardIsWhatGrafanaImports) {
  const Json dashboard =
      Json::parse(testing::read_file(TESSERA_DEPLOY_DIR "/monitoring/grafana-dashboard.json"));
  std::set<int> ids;
  for (const Json& panel : dashboard.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second);
    EXPECT_FALSE(panel.at("title").get<std::string>().empty());
    EXPECT_LE(panel.at("gridPos").at("x").get<int>() + panel.at("gridPos").at("w").get<int>(), 24);
    if (panel.at("type") != "row") {
      EXPECT_FALSE(panel.at("targets").empty()) << panel.at("title");
    }
  }
}

}  // namespace
}  // namespace tessera::service
