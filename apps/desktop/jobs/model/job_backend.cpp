// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_backend.hpp"

#include <QTimer>

#include "jobs/model/job_repository.hpp"
#include "ports/job.hpp"

namespace tessera::desktop {

void JobBackend::tell_of(JobRepository& book) {
  connect(&book, &JobRepository::changed, this, &JobBackend::jobs_changed);
  connect(&book, &JobRepository::removed, this, &JobBackend::jobs_forgotten);
  // Told once somebody can hear it.
  QTimer::singleShot(0, this, [this, &book] {
    for (const QString& problem : book.problems()) {
      Q_EMIT error_reported({}, problem);
    }
  });
  connect(&book, &JobRepository::write_failed, this,
          [this](const QString& sentence) { Q_EMIT error_reported(QString(), sentence); });
}

std::vector<JobRecord> JobBackend::new_group(std::vector<Submission> submissions, const char* prefix) {
  std::vector<JobRecord> jobs;
  const QString group = QString::fromStdString(new_id("group", system_now()));
  for (Submission& submission : submissions) {
    JobRecord job;
    job.key = QString::fromStdString(new_id(prefix, system_now()));
    job.group = group;
    job.name = to_qstring(submission.file.filename());
    job.file = to_qstring(std::filesystem::absolute(submission.file));
    job.pipeline = std::move(submission.pipeline);
    job.pipeline_text = QString::fromStdString(to_text(job.pipeline));
    job.output = submission.output.is_object() ? std::move(submission.output) : Json::object();
    job.submitted = QDateTime::currentDateTimeUtc();
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace tessera::desktop
