#include "service/views.hpp"

#include <map>

namespace tessera::service {

Json job_view(Json job) {
  const std::string id = job.at("id");
  job.erase("v");
  job.at("request").erase("object");
  if (const auto result = job.find("result"); result != job.end()) {
    if (job.at("state").get<std::string>() == to_string(JobState::done)) {
      result->erase("object");
    } else {
      job.erase(result);  // it is on its way still
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

Json batch_view(const Batch& batch, const std::vector<Job>& jobs) {
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
    views.push_back(job_view(job));
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

Json node_view(const NodeInfo& node) {
  return {{"id", node.id},
          {"host", node.host},
          {"version", node.version},
          {"details", node.details},
          {"seen", to_iso8601(node.seen)}};
}

}  // namespace tessera::service
