// SPDX-License-Identifier: Apache-2.0
// POST /v1/apply: an image in, an image out, in one request. It is a job as any other; only the answer waits
// for its end.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "http/text.hpp"
#include "net/crypto.hpp"
#include "schema/output_options.hpp"
#include "service/gateway/form.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/idempotency.hpp"
#include "service/gateway/preferences.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

constexpr const char* any_type = "application/octet-stream";
constexpr std::int64_t max_json_bytes = std::int64_t{1} << 20;
constexpr const char* keep_field = "keep";

std::vector<DocumentedQuery> documented_query() {
  std::vector<DocumentedQuery> query{
      {"pipeline", "The pipeline, as text or JSON. A form may have it as a field instead."},
      {"preset", "A named pipeline of this service, in place of 'pipeline'."},
      {"name", "The image's file name, from which the result's is made."},
      {keep_field, "false: job, image and result are removed when the result is sent."}};
  for (const OutputOptionInfo& option : output_option_table()) {
    query.push_back({std::string(option.name), std::string(option.doc) + "."});
  }
  return query;
}

/// "true" and numbers become what they are in JSON.
Json option_value(const std::string& text) {
  if (text == "true" || text == "false") {
    return text == "true";
  }
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? Json(number) : Json(text);
}

/// "image.jpg" for image/jpeg: results get their format by the name of the input.
std::string default_name(const std::string& media_type) {
  const auto format = std::ranges::find(file_format_table, media_type, &FileFormatInfo::media_type);
  return format == file_format_table.end() ? "image" : fmt::format("image.{}", format->extension);
}

/// The submission that the query describes, without its object.
Json submission_of_query(const http::Request& request) {
  Json json = Json::object();
  for (const auto& [name, value] : request.query) {
    const auto options = output_option_table();
    if (name == keep_field) {
      continue;
    }
    if (name == "pipeline" || name == "preset" || name == "name") {
      json[name] = value;
    } else if (std::ranges::find(options, name, &OutputOptionInfo::name) != options.end()) {
      json["output"][name] = option_value(value);
    } else {
      std::vector<std::string> known;
      for (const DocumentedQuery& field : documented_query()) {
        known.push_back(field.name);
      }
      throw Error(ErrorCode::usage, fmt::format("The query has the unknown field '{}'; known are: {}.",
                                                name.substr(0, 100), fmt::join(known, ", ")));
    }
  }
  return json;
}

bool is_kept(const http::Request& request) {
  const std::string value = request.query_value(keep_field).value_or("true");
  if (value != "true" && value != "false") {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is '{}'; it must be true or false.", keep_field, value.substr(0, 100)));
  }
  return value == "true";
}

/// Removes the record of an ended job, its image and its result.
void discard(const GatewayPorts& ports, const Job& job) {
  if (ports.jobs.remove_finished(job.id, job.updated + std::chrono::milliseconds(1))) {
    ports.objects.remove(job.request.object);
    if (job.result) {
      ports.objects.remove(job.result->object);
    }
  }
}

/// Calls `work` at the end of its life, whatever happened. Failures are for a later sweep: everything expires.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> work) : work_(std::move(work)) {}
  ~AtEnd() {
    try {
      work_();
    } catch (const Error&) {
      return;
    }
  }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  std::function<void()> work_;
};

std::string job_link(const Job& job) { return fmt::format("</v1/jobs/{}>; rel=\"describedby\"", job.id); }

}  // namespace

void Gateway::mount_apply(http::Router& router) {
  router.add(
      {.method = "POST",
       .pattern = "/v1/apply",
       .handler = [this](http::Request& request) { return apply(request); },
       .admit =
           [submit = require_scope(ports_.access, Scope::submit),
            read = require_scope(ports_.access, Scope::read)](http::Request& request) {
             submit(request);
             read(request);
           },
       .max_body_bytes = options_.max_apply_bytes,
       .operation = operation(
           {.id = "apply",
            .tag = "Jobs",
            .summary = fmt::format("Processes one image of up to {} bytes and answers with the result.",
                                   options_.max_apply_bytes),
            .answers = {{200, "The result. The header Link leads to the job.", "Bytes", any_type},
                        {202, "It takes longer: the job, whose result can be fetched later.", "Job"},
                        {413, fmt::format("The body is longer than {} bytes.", options_.max_apply_bytes),
                         "Problem", problem_type},
                        {429, queued_limit_text(), "Problem", problem_type}},
            .query = documented_query(),
            .headers = {{"Prefer",
                         fmt::format("'wait=SECONDS' limits the time to wait ({} s by default, {} s at "
                                     "most); 'respond-async' is not to wait.",
                                     options_.apply_wait.count(), options_.max_apply_wait.count())},
                        documented_idempotency_key()},
            .body_schema = "Submission",
            .body_types = {any_type, "multipart/form-data", "application/json"}}),
       .lane = http::Lane::waiting});
}

http::Response Gateway::apply(const http::Request& request) {
  const Caller& caller = caller_of(request);
  const Preferences preferences = parse_preferences(request.header("Prefer"));
  const bool keep = is_kept(request);
  const std::string key = idempotency_key_of(request);
  const KeyInFlight in_flight(mutex_, keys_in_flight_, caller.owner, key);
  check_room();
  SubmissionLimits limits = options_.submission;
  limits.max_items = 1;
  limits.check_cancelled = [&request] { request.check_cancelled(); };
  const auto new_object = [&] { return new_upload_name(caller); };
  const std::string type = http::media_type(request.header("Content-Type"));
  Json described = submission_of_query(request);
  Submission submission;
  std::string fingerprint;
  UploadGuard uploads(ports_.objects);
  if ((is_form(request) || type == "application/json") && !described.empty()) {
    throw Error(ErrorCode::usage,
                "The request is a form or JSON, so its fields say what is to be done, and not the query.");
  }
  if (request.body.size() == 0) {
    throw Error(ErrorCode::usage, "The request has no body: send the image in it.");
  }
  if (is_form(request)) {
    FormSubmission form = parse_form(request, options_.presets, limits, uploads, new_object);
    submission = std::move(form.submission);
    fingerprint = std::move(form.fingerprint);
  } else if (type == "application/json") {
    fingerprint = fingerprint_of(request.body);
    described = json_of(request, max_json_bytes);
    const std::vector<NamedSource> sources = sources_.take_from(described, new_object);
    submission = parse_submission(std::move(described), options_.presets, limits);
    sources_.fetch(sources, uploads, limits.check_cancelled);
    check_objects(request, submission.items);
  } else {
    fingerprint = fingerprint_of(request.body);
    described["object"] = new_object();
    if (!described.contains("name")) {
      described["name"] = default_name(type);
    }
    submission = parse_submission(std::move(described), options_.presets, limits);
    const auto body = request.body.open();
    uploads.put(submission.items.front().object, *body, type.starts_with("image/") ? type : any_type);
  }
  submission.items.front().priority = Priority::interactive;
  request.check_cancelled();  // last chance before the job is accepted
  NewJobs jobs = new_jobs(request, caller, std::move(submission));
  if (!key.empty()) {
    jobs.idempotency =
        IdempotencyKey{key, to_hex(sha256(fmt::format("apply {} {}", request.raw_query, fingerprint)))};
  }

  const std::chrono::seconds wait = std::min(
      preferences.wait.value_or(preferences.respond_async ? std::chrono::seconds(0) : options_.apply_wait),
      options_.max_apply_wait);
  // Those who do not wait take no place.
  const auto enter = [&](const std::string& id) {
    return wait.count() > 0 ? job_waits_.enter(id, caller.owner) : nullptr;
  };
  auto place = enter(jobs.jobs.front().id);
  const auto end = std::chrono::steady_clock::now() + wait;
  const JobStore::Created accepted = accept(request, jobs, uploads);
  std::optional<Job> job;
  if (!accepted.created) {
    jobs.jobs = jobs_of(accepted.batch);
    if (jobs.jobs.empty()) {
      throw Error(
          ErrorCode::conflict,
          "The result of the first request with this Idempotency-Key was not kept: repeat it with another.");
    }
    place = enter(jobs.jobs.front().id);
    // It may have ended before.
    const auto now = ports_.jobs.find(jobs.jobs.front().id);
    job = now && is_final(now->state) ? now : std::nullopt;
  }
  const std::string& id = jobs.jobs.front().id;
  if (place && !job) {
    try {
      job = place->wait_until(end, [&request] { request.check_cancelled(); });
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled && key.empty()) {
        // Nobody else waits for it, and nobody will ask again.
        JobChange change;
        change.state = JobState::cancelled;
        const auto cancelled = ports_.jobs.change(id, 0, change);
        if (cancelled && !keep) {
          discard(ports_, *cancelled);
        }
      }
      throw;
    }
  }
  http::Response response = [&] {
    if (job && keep) {
      return applied(request, *job);
    }
    if (job) {
      const auto removal = std::make_shared<AtEnd>([this, job] { discard(ports_, *job); });
      http::Response result = applied(request, *job);
      std::erase_if(result.headers, [](const auto& field) { return field.first == "Link"; });
      if (auto* const content = std::get_if<http::ProducedContent>(&result.content)) {
        // Not before it is sent.
        content->produce = [produce = std::move(content->produce), removal](
                               ByteSink& out, const std::optional<ByteRange>& range) { produce(out, range); };
      }
      return result;
    }
    const Job now = ports_.jobs.find(id).value_or(jobs.jobs.front());
    return http::json_response(202, job_view(now, viewer_of(request)))
        .with("Location", "/v1/jobs/" + id)
        .with("Link", job_link(now));
  }();
  if (preferences.wait) {
    response.with("Preference-Applied", fmt::format("wait={}", wait.count()));
  }
  return response;
}

http::Response Gateway::applied(const http::Request& request, const Job& job) {
  if (job.state != JobState::done || !job.result) {
    const Json view = job_view(job, viewer_of(request));
    const auto code = job.failure ? error_code_named(job.failure->code) : std::nullopt;
    const std::string sentence =
        job.failure ? view.at("failure").at("sentence").get<std::string>() : "The job was cancelled.";
    http::Problem problem = http::make_problem(
        Error(code.value_or(job.failure ? ErrorCode::internal : ErrorCode::conflict), sentence));
    problem.headers.emplace_back("Link", job_link(job));
    throw http::ProblemError(std::move(problem));
  }
  const JobResult& result = *job.result;
  http::Response response{200, {{"Content-Type", result.content_type}}, {}};
  if (const auto file = ports_.objects.local_file(result.object)) {
    response.content = http::FileContent{std::make_shared<http::OpenFile>(*file)};
  } else {
    http::ProducedContent content;
    content.size_bytes = result.size_bytes;
    content.owner = caller_of(request).owner;
    content.produce = [object = result.object, &objects = ports_.objects](
                          ByteSink& out, const std::optional<ByteRange>&) { objects.get(object, out); };
    response.content = std::move(content);
  }
  return std::move(response)
      .with("Content-Disposition", attachment(result.file_name))
      .with("Content-Security-Policy", "default-src 'none'; sandbox")
      .with("Cache-Control", "private, no-store")
      .with("Link", job_link(job));
}

}  // namespace tessera::service
