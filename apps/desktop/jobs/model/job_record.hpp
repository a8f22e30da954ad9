// SPDX-License-Identifier: Apache-2.0
// What the program knows about a job, wherever it runs.
#pragma once

#include <QDateTime>
#include <QList>
#include <QSize>
#include <QString>
#include <QStringList>
#include <cstdint>
#include <filesystem>

#include "plan/pipeline.hpp"
#include "schema/param.hpp"

namespace tessera::desktop {

enum class JobPhase : std::uint8_t { sending, queued, running, storing, done, failed, cancelled };
[[nodiscard]] constexpr bool is_over(JobPhase phase) { return phase >= JobPhase::done; }
/// In words, for people, in their language.
[[nodiscard]] QString phase_text(JobPhase phase);

enum class JobPlace : std::uint8_t { this_computer, server };

struct JobRecord {
  QString key;    ///< of this program, for ever
  QString id;     ///< the server's; empty until it has accepted the job
  QString group;  ///< of the jobs that were submitted together
  JobPlace place = JobPlace::this_computer;
  QString name;  ///< of the image, for people: "photo.jpg"
  QString file;  ///< the image on this computer; empty if the job was sent from elsewhere
  PipelineSteps pipeline;
  QString pipeline_text;
  Json output = Json::object();
  QDateTime submitted;

  JobPhase phase = JobPhase::queued;
  double fraction = 0;  ///< 0..1, of the phase "sending" or of the work itself
  QString detail;       ///< what is being done or waited for
  QString failure;      ///< the reason, a sentence

  // Of the result, once it is done:
  QString result_name;  ///< for saving: "photo-gaussian-blur.png"
  qint64 result_bytes = 0;
  QSize result_size;       ///< in pixels
  QString result_file;     ///< on this computer; empty until it has been fetched
  bool saved = false;      ///< the user has a copy where they want it
  QStringList warnings;    ///< what was left out or converted, sentences
  std::int64_t found = 0;  ///< rows of all lists of findings
  QString findings_file;   ///< on this computer; empty if there are none

  // For the server:
  bool bulk = false;  ///< gives way to what somebody is waiting for
  int attempt = 0;    ///< of sending it, from the beginning
  QString object;     ///< the image as the server stores it; empty until it was sent
  int generation = 0;
  QString updated;  ///< ISO 8601, as the server says
};

/// As if the job had never been over.
void clear_result(JobRecord& job);

/// For the journal. What is read back is as it was written; throws Error(damaged_input) if it is no record.
[[nodiscard]] Json to_json(const JobRecord& job);
[[nodiscard]] JobRecord record_from_json(const Json& json);

[[nodiscard]] QString to_qstring(const std::filesystem::path& path);
[[nodiscard]] std::filesystem::path to_path(const QString& text);

}  // namespace tessera::desktop

Q_DECLARE_METATYPE(tessera::desktop::JobRecord)
