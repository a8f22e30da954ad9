// SPDX-License-Identifier: Apache-2.0
// Job routes.
#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

constexpr int default_page = 50;
constexpr int max_page_size = 500;

int page_limit(const http::Request& request) {
  const auto text = request.query_value("limit");
  if (!text) {
    return default_page;
  }
  int limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size() || limit < 1 || limit > max_page_size) {
    throw Error(ErrorCode::usage, fmt::format("'limit' is '{}'; it must be a whole number from 1 to {}.",
                                              text->substr(0, 100), max_page_size));
  }
  return limit;
}

http::Response link_response(const http::Request& request, const Link& link, const std::string& file_name,
                             std::int64_t size_bytes) {
  if (request.query_value("link")) {
    return http::json_response(200, {{"url", link.url},
                                     {"expires", to_iso8601(link.expires)},
                                     {"file_name", file_name},
                                     {"size_bytes", size_bytes}});
  }
  return http::redirect_response(307, link.url);
}

std::string failure_shown_to(const http::Request& request, const Job& job) {
  return job_view(job, viewer_of(request)).at("failure").at("sentence");
}

}  // namespace

void Gateway::mount_jobs(http::Router& router) {
  const auto may_read = require_scope(ports_.access, Scope::read);
  const auto may_submit = require_scope(ports_.access, Scope::submit);
  router.add(
      "GET", "/v1/jobs", may_read, [this](http::Request& request) { return list(request); },
      operation({.id = "listJobs",
                 .tag = "Jobs",
                 .summary = "Jobs, newest first.",
                 .answers = {{200, "A page of jobs.", "JobPage"}},
                 .query = {{"state", "Only jobs in this state."},
                           {"batch", "Only jobs of this batch."},
                           {"owner", "Administrators: only this owner's."},
                           {"after", "The 'next' of the previous page."},
                           {"limit", "1 to 500.", "integer"}}}));
  router.add(
      "GET", "/v1/jobs/{id}", may_read,
      [this](http::Request& request) {
        return http::json_response(200, job_view(find_job(request), viewer_of(request)));
      },
      operation({.id = "getJob", .tag = "Jobs", .summary = "A job.", .answers = {{200, "The job.", "Job"}}}));
  router.add(
      "DELETE", "/v1/jobs/{id}", may_submit, [this](http::Request& request) { return cancel(request); },
      operation({.id = "cancelJob",
                 .tag = "Jobs",
                 .summary = "Cancels a queued or running job.",
                 .answers = {{200, "The job, cancelled.", "Job"}}}));
  router.add(
      "POST", "/v1/jobs/{id}/retry", may_submit, [this](http::Request& request) { return retry(request); },
      operation({.id = "retryJob",
                 .tag = "Jobs",
                 .summary = "Retries a failed or cancelled job.",
                 .answers = {{202, "The job, queued.", "Job"},
                             {429, queued_limit_text(), "Problem", problem_type}}}),
      http::Lane::heavy);
  router.add(
      "GET", "/v1/jobs/{id}/result", may_read, [this](http::Request& request) { return result(request); },
      operation({.id = "getResult",
                 .tag = "Jobs",
                 .summary = "The location of a job's result.",
                 .answers = {{307, "Redirects to a new presigned link."},
                             {200, "With 'link': the link as JSON.", "ResultLink"}},
                 .query = {{"link", "1: return the link as JSON instead of a redirect."}}}),
      http::Lane::heavy);
  router.add(
      "GET", "/v1/jobs/{id}/input", may_read, [this](http::Request& request) { return input(request); },
      operation({.id = "getInput",
                 .tag = "Jobs",
                 .summary = "The location of the image that the job was submitted with, while it is kept.",
                 .answers = {{307, "Redirects to a new presigned link."},
                             {200, "With 'link': the link as JSON.", "ResultLink"}},
                 .query = {{"link", "1: return the link as JSON instead of a redirect."}}}),
      http::Lane::heavy);
}

http::Response Gateway::list(const http::Request& request) {
  const Caller& caller = caller_of(request);
  JobFilter filter;
  filter.owner = caller.is_admin() ? request.query_value("owner").value_or("") : caller.owner;
  filter.batch_id = request.query_value("batch").value_or("");
  if (const auto state = request.query_value("state")) {
    filter.state = parse_job_state(*state);
  }
  const JobPage page =
      ports_.jobs.list(filter, request.query_value("after").value_or(""), page_limit(request));
  Json jobs = Json::array();
  for (const Job& job : page.jobs) {
    jobs.push_back(job_view(job, viewer_of(request)));
  }
  Json answer{{"jobs", std::move(jobs)}};
  if (!page.next.empty()) {
    answer["next"] = page.next;
  }
  return http::json_response(200, answer);
}

http::Response Gateway::cancel(const http::Request& request) {
  const Job job = find_job(request);
  JobChange change;
  change.state = JobState::cancelled;
  if (const auto cancelled = ports_.jobs.change(job.id, 0, change)) {
    reach(Failpoint::job_cancelled);
    return http::json_response(200, job_view(*cancelled, viewer_of(request)));
  }
  const Job now = find_job(request);
  if (now.state != JobState::cancelled) {
    throw Error(ErrorCode::conflict,
                fmt::format("The job is already {}, so it cannot be cancelled.", to_string(now.state)));
  }
  return http::json_response(200, job_view(now, viewer_of(request)));
}

http::Response Gateway::retry(const http::Request& request) {
  const Job job = find_job(request);
  check_room();
  const auto again = within_quota([&] { return ports_.jobs.retry(job.id, options_.max_queued_per_owner); });
  if (!again) {
    throw Error(ErrorCode::conflict,
                fmt::format("The job is {}; only failed or cancelled jobs can be retried.",
                            to_string(find_job(request).state)));
  }
  reach(Failpoint::job_retried);
  publish({&*again, 1});
  return http::json_response(202, job_view(*again, viewer_of(request)));
}

http::Response Gateway::result(const http::Request& request) {
  const Job job = find_job(request);
  if (job.state != JobState::done || !job.result) {
    throw http::ProblemError(http::make_problem(
        "not-finished",
        fmt::format("The job is {} and has no result{}", to_string(job.state),
                    job.failure ? fmt::format(": {}", failure_shown_to(request, job)) : ".")));
  }
  LinkOptions options;
  options.lifetime = options_.link_lifetime;
  options.content_type = job.result->content_type;
  options.file_name = job.result->file_name;
  return link_response(request, ports_.objects.sign_get(job.result->object, options), options.file_name,
                       job.result->size_bytes);
}

http::Response Gateway::input(const http::Request& request) {
  const Job job = find_job(request);
  const auto info = ports_.objects.stat(job.request.object);
  if (!info) {
    ports_.objects.check();  // reports an unavailable store instead of a missing object
    throw Error(ErrorCode::not_found, "The image that the job was submitted with is no longer kept.");
  }
  LinkOptions options;
  options.lifetime = options_.link_lifetime;
  options.file_name = job.request.name;
  return link_response(request, ports_.objects.sign_get(job.request.object, options), options.file_name,
                       info->size_bytes);
}

}  // namespace tessera::service
