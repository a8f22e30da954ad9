// SPDX-License-Identifier: Apache-2.0
#include "service/views.hpp"

#include <map>
#include <regex>

#include "base/error.hpp"

namespace tessera::service {
namespace {

/// std::regex recurses with the length of the text.
constexpr std::size_t max_scanned_bytes = 1000;

void hide_internals(Json& job) {
  // The stage of a running job comes from its pipeline; that of a requeued job describes the service.
  if (job.value("state", "") == "queued" && !job.value("stage", "").empty()) {
    job["stage"] = without_internals(job["stage"]);
  }
  if (const auto failure = job.find("failure"); failure != job.end()) {
    const auto code = error_code_named(failure->value("code", ""));
    if (!code || meaning(*code).origin != FailureOrigin::request || *code == ErrorCode::internal) {
      (*failure)["sentence"] = without_internals(failure->value("sentence", ""));
    }
  }
  if (const auto layout = job.find("layout"); layout != job.end() && layout->contains("ranks")) {
    for (Json& rank : (*layout)["ranks"]) {
      rank.erase("location");
    }
  }
}

}  // namespace

std::string without_internals(const std::string& sentence) {
  // In quotes, which messages use for names, or as a word: something with "://", an absolute path, a host
  // with a port, an IP address.
  static const std::regex internal(
      R"('[^']*(://|/|:[0-9]+)[^']*'|[A-Za-z][A-Za-z0-9+.-]*://[^\s,;'")]+|(^|[\s('"])/[^\s,;'")]+|)"
      R"([A-Za-z0-9.-]+:[0-9]{2,5}\b|\[[0-9A-Fa-f:.]+\](:[0-9]+)?|\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b)");
  return std::regex_replace(sentence.substr(0, max_scanned_bytes), internal, " (hidden)");
}

Json job_view(Json job, Viewer viewer) {
  const std::string id = job.at("id");
  job.erase("v");
  job.at("request").erase("object");
  job.at("request").erase("object_tag");
  if (viewer == Viewer::client) {
    hide_internals(job);
  }
  if (const auto result = job.find("result"); result != job.end()) {
    if (job.at("state").get<std::string>() == to_string(JobState::done)) {
      result->erase("object");
    } else {
      job.erase(result);  // it is still being stored
    }
  }
  Json links{{"self", "/v1/jobs/" + id},
             {"batch", "/v1/batches/" + job.at("batch").get<std::string>()},
             {"events", "/v1/events?job=" + id}};
  if (job.contains("result")) {
    links["result"] = "/v1/jobs/" + id + "/result";
  }
  job["links"] = std::move(links);
  return job;
}

Json batch_view(const Batch& batch, const std::vector<Job>& jobs, Viewer viewer) {
  Json counts = Json::object();
  for (int state = 0; state <= static_cast<int>(JobState::cancelled); ++state) {
    counts[std::string(to_string(static_cast<JobState>(state)))] = 0;
  }
  double fraction = 0;
  std::size_t final_jobs = 0;
  std::map<JobState, std::size_t> count;
  Json views = Json::array();
  for (const Job& job : jobs) {
    ++count[job.state];
    fraction += is_final(job.state) ? 1.0 : job.fraction;
    final_jobs += is_final(job.state) ? 1U : 0U;
    views.push_back(job_view(job, viewer));
  }
  for (const auto& [state, number] : count) {
    counts[std::string(to_string(state))] = number;
  }
  std::string state = "running";
  if (final_jobs == jobs.size()) {
    state = count[JobState::done] == jobs.size() ? "done"
            : count[JobState::failed] > 0        ? "failed"
                                                 : "cancelled";
  } else if (count[JobState::queued] == jobs.size()) {
    state = "queued";
  }
  return {{"id", batch.id},
          {"owner", batch.owner},
          {"state", state},
          {"fraction", jobs.empty() ? 1.0 : fraction / static_cast<double>(jobs.size())},
          {"counts", std::move(counts)},
          {"created", to_iso8601(batch.created)},
          {"jobs", std::move(views)},
          {"links",
           {{"self", "/v1/batches/" + batch.id},
            {"results", "/v1/batches/" + batch.id + "/results.zip"},
            {"events", "/v1/events?batch=" + batch.id}}}};
}

Json node_view(const NodeInfo& node, Viewer viewer) {
  if (viewer == Viewer::client) {
    // Capacity and load, but not hosts and other users' jobs.
    Json ranks = Json::array();
    for (const Json& rank : node.details.value("ranks", Json::array())) {
      ranks.push_back({{"busy", rank.value("busy", false)}});
    }
    return {{"id", node.id},
            {"host", ""},
            {"version", node.version},
            {"details", {{"state", node.details.value("state", "")}, {"ranks", std::move(ranks)}}},
            {"seen", to_iso8601(node.seen)}};
  }
  return {{"id", node.id},
          {"host", node.host},
          {"version", node.version},
          {"details", node.details},
          {"seen", to_iso8601(node.seen)}};
}

}  // namespace tessera::service
