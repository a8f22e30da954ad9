// SPDX-License-Identifier: Apache-2.0
// Batches: combined progress and download of jobs that were submitted together.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/gateway/zip_stream.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {

void Gateway::mount_batches(http::Router& router) {
  const auto may_read = require_scope(ports_.access, Scope::read);
  const auto may_submit = require_scope(ports_.access, Scope::submit);
  router.add(
      "GET", "/v1/batches/{id}", may_read,
      [this](http::Request& request) {
        const Batch batch = find_batch(request);
        return http::json_response(200, batch_view(batch, jobs_of(batch), viewer_of(request)));
      },
      operation({.id = "getBatch",
                 .tag = "Batches",
                 .summary = "Jobs submitted together, with combined progress.",
                 .answers = {{200, "The batch.", "Batch"}}}));
  router.add(
      "DELETE", "/v1/batches/{id}", may_submit,
      [this](http::Request& request) {
        const Batch batch = find_batch(request);
        JobChange change;
        change.state = JobState::cancelled;
        for (const std::string& id : batch.job_ids) {
          ports_.jobs.change(id, 0, change);
        }
        return http::json_response(200, batch_view(batch, jobs_of(batch), viewer_of(request)));
      },
      operation({.id = "cancelBatch",
                 .tag = "Batches",
                 .summary = "Cancels all jobs of a batch that have not ended.",
                 .answers = {{200, "The batch.", "Batch"}}}));
  router.add(
      "GET", "/v1/batches/{id}/results.zip", may_read,
      [this](http::Request& request) { return zip(request); },
      operation({.id = "getResults",
                 .tag = "Batches",
                 .summary = "All results in one archive, once all jobs have ended.",
                 .answers = {{200, "A zip archive.", "Bytes", "application/zip"}}}));
}

http::Response Gateway::zip(const http::Request& request) {
  const Batch batch = find_batch(request);
  std::vector<Job> jobs = jobs_of(batch);
  const auto under_way = std::ranges::count_if(jobs, [](const Job& job) { return !is_final(job.state); });
  const auto done = std::ranges::count(jobs, JobState::done, &Job::state);
  if (under_way > 0 || done == 0) {
    throw http::ProblemError(http::make_problem(
        "not-finished",
        under_way > 0 ? fmt::format("{} of the {} jobs have not ended; wait for them, or download finished "
                                    "results one by one.",
                                    under_way, jobs.size())
                      : std::string("None of the jobs has a result.")));
  }
  http::ProducedContent content;
  content.owner = caller_of(request).owner;
  content.produce = [jobs = std::move(jobs), &objects = ports_.objects](ByteSink& out,
                                                                        const std::optional<ByteRange>&) {
    write_results_zip(jobs, objects, out);
  };
  http::Response response{200, {{"Content-Type", "application/zip"}}, std::move(content)};
  return std::move(response)
      .with("Content-Disposition", attachment(batch.id + ".zip"))
      .with("Cache-Control", "private, no-store");
}

}  // namespace tessera::service
