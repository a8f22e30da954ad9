// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_record.hpp"

#include <fmt/format.h>

#include <QCoreApplication>
#include <QFile>
#include <array>

#include "base/error.hpp"

namespace tessera::desktop {
namespace {

constexpr std::array<std::string_view, 7> phase_names{"sending", "queued", "running",  "storing",
                                                      "done",    "failed", "cancelled"};

JobPhase phase_named(const std::string& name) {
  for (std::size_t i = 0; i < phase_names.size(); ++i) {
    if (phase_names[i] == name) {
      return static_cast<JobPhase>(i);
    }
  }
  throw Error(ErrorCode::damaged_input, fmt::format("'{}' is no phase of a job.", name));
}

}  // namespace

QString phase_text(JobPhase phase) {
  const auto tr = [](const char* text) { return QCoreApplication::translate("JobPhase", text); };
  switch (phase) {
    case JobPhase::sending:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Sending"));
    case JobPhase::queued:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Waiting"));
    case JobPhase::running:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Processing"));
    case JobPhase::storing:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Storing the result"));
    case JobPhase::done:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Done"));
    case JobPhase::failed:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Failed"));
    case JobPhase::cancelled:
      return tr(QT_TRANSLATE_NOOP("JobPhase", "Cancelled"));
  }
  return {};
}

void clear_result(JobRecord& job) {
  job.failure.clear();
  job.result_file.clear();
  job.findings_file.clear();
  job.warnings.clear();
  job.found = 0;
  job.saved = false;
}

Json to_json(const JobRecord& job) {
  const auto sentences = [](const QStringList& list) {
    Json json = Json::array();
    for (const QString& one : list) {
      json.push_back(one.toStdString());
    }
    return json;
  };
  Json json{{"key", job.key.toStdString()},
            {"id", job.id.toStdString()},
            {"group", job.group.toStdString()},
            {"place", job.place == JobPlace::server ? "server" : "this-computer"},
            {"name", job.name.toStdString()},
            {"file", job.file.toStdString()},
            {"pipeline", tessera::to_json(job.pipeline)},
            {"output", job.output},
            {"submitted", job.submitted.toString(Qt::ISODateWithMs).toStdString()},
            {"phase", phase_names.at(static_cast<std::size_t>(job.phase))},
            {"failure", job.failure.toStdString()},
            {"result_name", job.result_name.toStdString()},
            {"result_bytes", job.result_bytes},
            {"result_width", job.result_size.width()},
            {"result_height", job.result_size.height()},
            {"result_file", job.result_file.toStdString()},
            {"saved", job.saved},
            {"warnings", sentences(job.warnings)},
            {"found", job.found},
            {"findings_file", job.findings_file.toStdString()},
            {"bulk", job.bulk},
            {"attempt", job.attempt},
            {"object", job.object.toStdString()},
            {"generation", job.generation},
            {"updated", job.updated.toStdString()}};
  return json;
}

JobRecord record_from_json(const Json& json) {
  try {
    const auto text = [&](const char* name) { return QString::fromStdString(json.at(name)); };
    JobRecord job;
    job.key = text("key");
    job.id = text("id");
    job.group = text("group");
    job.place = json.at("place") == "server" ? JobPlace::server : JobPlace::this_computer;
    job.name = text("name");
    job.file = text("file");
    job.pipeline = parse_pipeline(json.at("pipeline").dump());
    job.pipeline_text = QString::fromStdString(to_text(job.pipeline));
    job.output = json.at("output");
    job.submitted = QDateTime::fromString(text("submitted"), Qt::ISODateWithMs);
    job.phase = phase_named(json.at("phase"));
    job.failure = text("failure");
    job.result_name = text("result_name");
    job.result_bytes = json.at("result_bytes");
    job.result_size = {json.at("result_width"), json.at("result_height")};
    job.result_file = text("result_file");
    job.saved = json.at("saved");
    job.bulk = json.at("bulk");
    job.attempt = json.at("attempt");
    job.object = text("object");
    job.generation = json.at("generation");
    job.updated = text("updated");
    job.found = json.at("found");
    job.findings_file = text("findings_file");
    // Journals of earlier versions have none.
    for (const std::string& warning : json.value("warnings", std::vector<std::string>())) {
      job.warnings.append(QString::fromStdString(warning));
    }
    return job;
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::damaged_input, fmt::format("No record of a job: {}", error.what()));
  }
}

QString to_qstring(const std::filesystem::path& path) {
  return QFile::decodeName(QByteArray::fromStdString(path.string()));
}

std::filesystem::path to_path(const QString& text) { return QFile::encodeName(text).toStdString(); }

}  // namespace tessera::desktop
