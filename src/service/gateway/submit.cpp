// SPDX-License-Identifier: Apache-2.0
// Job submission.
#include <fmt/format.h>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "log/json_log.hpp"
#include "net/crypto.hpp"
#include "plan/built_in_presets.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/form.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/idempotency.hpp"
#include "service/gateway/request_json.hpp"
#include "service/gateway/submission.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

Json preset_json(const std::string& name, const PipelineSteps& pipeline) {
  const BuiltInPreset* const preset = find_built_in_preset(name);
  const bool built_in = preset != nullptr && parse_pipeline(preset->pipeline) == pipeline;
  return {{"name", name},
          {"pipeline", to_json(pipeline)},
          {"text", to_text(pipeline)},
          {"description", built_in ? std::string(preset->description) : std::string()},
          {"built_in", built_in}};
}

constexpr std::int64_t max_json_bytes = std::int64_t{4} << 20;

std::string submission_limit_text(const SubmissionLimits& limits) {
  return fmt::format("The body is longer than allowed, or its jobs would take more than {} bytes.",
                     limits.max_stored_bytes);
}

}  // namespace

void Gateway::mount_submit(http::Router& router) {
  const auto admit = require_scope(ports_.access, Scope::submit);
  router.add({.method = "POST",
              .pattern = "/v1/pipelines",
              .handler =
                  [this](http::Request& request) {
                    return http::json_response(
                        200, check_pipeline(json_of(request, max_json_bytes), options_.presets));
                  },
              .admit = admit,
              .max_body_bytes = max_json_bytes,
              .content_types = {"application/json"},
              .operation = operation({.id = "checkPipeline",
                                      .tag = "Jobs",
                                      .summary = "Checks a pipeline without running it.",
                                      .answers = {{200, "The pipeline in both forms.", "CheckedPipeline"}},
                                      .body_schema = "PipelineCheck"}),
              .lane = http::Lane::heavy});
  router.add(
      "GET", "/v1/presets", require_scope(ports_.access, Scope::read),
      [this](http::Request&) {
        Json presets = Json::array();
        for (const auto& [name, pipeline] : options_.presets) {
          presets.push_back(preset_json(name, pipeline));
        }
        return http::json_response(200, {{"presets", std::move(presets)}});
      },
      operation({.id = "listPresets",
                 .tag = "Jobs",
                 .summary = "The named pipelines of this service, which requests may name as 'preset'.",
                 .answers = {{200, "The presets.", "Presets"}}}));
  router.add({.method = "POST",
              .pattern = "/v1/jobs",
              .handler = [this](http::Request& request) { return submit(request); },
              .admit = admit,
              .max_body_bytes = std::max(max_json_bytes, options_.max_form_bytes),
              .content_types = {"application/json", "multipart/form-data"},
              .operation = operation(
                  {.id = "submit",
                   .tag = "Jobs",
                   .summary = "Submits jobs.",
                   .answers = {{202, "The batch of the jobs.", "Batch"},
                               {413, submission_limit_text(options_.submission), "Problem", problem_type},
                               {429, queued_limit_text(), "Problem", problem_type}},
                   .headers = {documented_idempotency_key()},
                   .body_schema = "Submission",
                   .body_types = {"application/json", "multipart/form-data"}}),
              .lane = http::Lane::heavy});
}

NewJobs Gateway::new_jobs(const http::Request& request, const Caller& caller, Submission submission) {
  NewJobs jobs;
  const TimePoint now = options_.now();
  const std::string batch_id = new_id("batch", now);
  for (JobRequest& item : submission.items) {
    Job job;
    job.id = new_id("job", now);
    job.batch_id = batch_id;
    job.owner = caller.owner;
    job.request_id = request.id;
    job.request = std::move(item);
    job.created = now;
    job.updated = now;
    jobs.jobs.push_back(std::move(job));
  }
  jobs.max_waiting = max_waiting_jobs(submission.stored_bytes, std::ssize(jobs.jobs));
  jobs.webhook_url = std::move(submission.webhook_url);
  jobs.webhook_secret = std::move(submission.webhook_secret);
  return jobs;
}

void Gateway::release_uploads(const std::vector<Job>& jobs) {
  std::vector<std::string> objects;
  for (const Job& job : jobs) {
    objects.push_back(job.request.object);
  }
  try {
    ports_.uploads.release(objects);
  } catch (const Error& error) {
    // The jobs are accepted. At worst their uploads count until they expire.
    warn("used uploads are still counted as unused", error.what());
  }
}

JobStore::Created Gateway::accept(const http::Request& request, const NewJobs& jobs, UploadGuard& uploads) {
  JobStore::Created created;
  try {
    created = within_quota([&] { return ports_.jobs.create(jobs); });
  } catch (const Error& error) {
    if (meaning(error.code()).origin != FailureOrigin::request) {
      // The jobs may have been recorded although no response arrived in time. Uploads that no job uses
      // expire.
      uploads.keep();
    }
    if (error.code() == ErrorCode::conflict) {
      throw http::ProblemError(http::make_problem("idempotency-mismatch", error.what()));
    }
    throw;
  }
  if (created.created) {
    uploads.keep();
    if (options_.log) {
      Json ids = Json::array();
      for (const Job& job : jobs.jobs) {
        ids.push_back(job.id);
      }
      log_about(*options_.log, spdlog::level::info, "accepted",
                {{"batch", created.batch.id}, {"jobs", std::move(ids)}, {"request_id", request.id}});
    }
    reach(Failpoint::jobs_created);
    publish(jobs.jobs);
    reach(Failpoint::publication_marked);
    release_uploads(jobs.jobs);  // last, so that no node waits for it
  }
  return created;
}

http::Response Gateway::submit(const http::Request& request) {
  const Caller& caller = caller_of(request);
  const std::string key = idempotency_key_of(request);
  const KeyInFlight in_flight(mutex_, keys_in_flight_, caller.owner, key);
  check_room();
  std::string fingerprint;
  Submission submission;
  UploadGuard uploads(ports_.objects);
  SubmissionLimits limits = options_.submission;
  limits.check_cancelled = [&request] { request.check_cancelled(); };
  if (is_form(request)) {
    FormSubmission form =
        parse_form(request, options_.presets, limits, uploads, [&] { return new_upload_name(caller); });
    submission = std::move(form.submission);
    fingerprint = std::move(form.fingerprint);
    reach(Failpoint::form_stored);
  } else {
    fingerprint = to_hex(sha256(request.body.read_all(max_json_bytes)));
    Json json = json_of(request, max_json_bytes);
    const std::vector<NamedSource> sources =
        sources_.take_from(json, [&] { return new_upload_name(caller); });
    submission = parse_submission(std::move(json), options_.presets, limits);
    sources_.fetch(sources, uploads, limits.check_cancelled);
    check_objects(request, submission.items);
  }
  request.check_cancelled();  // last chance before jobs are accepted
  NewJobs jobs = new_jobs(request, caller, std::move(submission));
  if (!key.empty()) {
    jobs.idempotency = IdempotencyKey{key, fingerprint};
  }
  const JobStore::Created created = accept(request, jobs, uploads);
  return http::json_response(202,
                             batch_view(created.batch, created.created ? jobs.jobs : jobs_of(created.batch),
                                        viewer_of(request)))
      .with("Location", "/v1/batches/" + created.batch.id);
}

}  // namespace tessera::service
