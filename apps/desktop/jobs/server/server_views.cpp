// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_views.hpp"

#include <QCoreApplication>

#include "base/error.hpp"
#include "ports/job.hpp"

namespace tessera::desktop {

QString text_at(const Json& json, const char* name) { return QString::fromStdString(json.value(name, "")); }

JobPhase phase_of(const Json& view) {
  switch (parse_job_state(view.at("state").get<std::string>())) {
    case JobState::queued:
      return JobPhase::queued;
    case JobState::running:
      return JobPhase::running;
    case JobState::storing:
      return JobPhase::storing;
    case JobState::done:
      return JobPhase::done;
    case JobState::failed:
      return JobPhase::failed;
    case JobState::cancelled:
      return JobPhase::cancelled;
  }
  return JobPhase::queued;
}

bool is_stale(const JobRecord& job, const Json& view) {
  const int generation = view.at("generation");
  if (generation != job.generation) {
    return generation < job.generation;
  }
  const QString updated = text_at(view, "updated");
  return updated < job.updated || (updated == job.updated && phase_of(view) < job.phase);
}

void apply_view(const Json& view, JobRecord& job) {
  const int generation = view.at("generation");
  if (generation != job.generation) {
    clear_result(job);
  }
  job.id = text_at(view, "id");
  job.generation = generation;
  job.updated = text_at(view, "updated");
  job.phase = phase_of(view);
  job.fraction = job.phase == JobPhase::done ? 1 : view.value("fraction", 0.0);
  job.detail = text_at(view, "stage");
  job.failure.clear();
  if (const auto failure = view.find("failure"); failure != view.end() && failure->is_object()) {
    job.failure = text_at(*failure, "sentence");
  }
  if (const auto result = view.find("result"); result != view.end() && result->is_object()) {
    job.result_name = text_at(*result, "file_name");
    job.result_bytes = result->value("size_bytes", std::int64_t{0});
    job.warnings.clear();
    for (const Json& warning : result->value("warnings", Json::array())) {
      if (warning.is_string()) {
        job.warnings.append(QString::fromStdString(warning.get<std::string>()));
      }
    }
    job.result_size = {result->value("width_px", 0), result->value("height_px", 0)};
  }
}

JobRecord record_of(const Json& view) {
  JobRecord job;
  const Json& request = view.at("request");
  job.key = text_at(view, "id");
  job.group = text_at(view, "batch");
  job.place = JobPlace::server;
  job.name = text_at(request, "name");
  job.output = request.value("output", Json::object());
  job.submitted = QDateTime::fromString(text_at(view, "created"), Qt::ISODateWithMs);
  try {
    job.pipeline = parse_pipeline(request.at("pipeline").dump());
    job.pipeline_text = QString::fromStdString(to_text(job.pipeline));
  } catch (const Error&) {
    job.pipeline_text =
        QCoreApplication::translate("JobRecord", "Operators that this version of Tessera does not know");
  }
  apply_view(view, job);
  return job;
}

}  // namespace tessera::desktop
