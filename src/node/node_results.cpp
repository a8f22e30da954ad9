// SPDX-License-Identifier: Apache-2.0
// The result of a job that a node has processed.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <future>

#include "node/node.hpp"
#include "ports/failpoint.hpp"
#include "ports/parted_upload.hpp"

namespace tessera {

Node::Verdict Node::store(const Job& job, const RankOutcome& outcome, const std::filesystem::path& output,
                          std::optional<PartedUpload>& upload) {
  JobResult result;
  result.object = result_object_name(job);
  result.file_name = result_file_name(job.request);
  result.content_type = content_type_of(result_extension(job.request));
  result.size_bytes = static_cast<std::int64_t>(std::filesystem::file_size(output));
  result.width_px = outcome.result.width_px;
  result.height_px = outcome.result.height_px;
  result.findings = outcome.result.findings;
  result.warnings = outcome.result.warnings;
  JobChange storing;
  storing.state = JobState::storing;
  storing.fraction = 1;
  storing.result = result;  // so that the object can be identified after a crash
  // Updated while the result is being stored: each waits for its own server's disk.
  std::future<bool> updated = std::async(
      std::launch::async, [&] { return ports_.jobs.change(job.id, job.generation, storing).has_value(); });
  const auto putting = std::chrono::steady_clock::now();
  if (upload) {
    upload->finish(output, result.size_bytes);
  } else {
    const auto body = open_file_source(output);
    ports_.objects.put(result.object, *body, result.content_type);
  }
  measure("store", putting);
  if (!updated.get()) {
    return remove_unneeded_result(job, result);
  }
  reach(Failpoint::result_stored);
  return done(job, result);
}

bool Node::adopt_stored_result(const Job& job) {
  if (job.state != JobState::storing || !job.result) {
    return false;
  }
  const auto stored = ports_.objects.stat(job.result->object);
  if (!stored || stored->size_bytes != job.result->size_bytes) {
    return false;
  }
  done(job, *job.result);
  return true;
}

Node::Verdict Node::done(const Job& job, const JobResult& result) {
  JobChange done;
  done.state = JobState::done;
  done.result = result;
  if (!ports_.jobs.change(job.id, job.generation, done)) {
    return remove_unneeded_result(job, result);
  }
  reach(Failpoint::job_done);
  health_.succeeded();
  note(spdlog::level::info, job.id, job.request_id, fmt::format("done, {} bytes", result.size_bytes));
  note_end("done");
  const std::lock_guard lock(mutex_);
  failures_.erase(job.id);
  ++counts_.done;
  return {};
}

Node::Verdict Node::remove_unneeded_result(const Job& job, const JobResult& result) {
  const auto now = ports_.jobs.find(job.id);
  if (!now || !now->result || now->result->object != result.object) {
    ports_.objects.remove(result.object);  // cancelled meanwhile
  }
  return {};
}

}  // namespace tessera
