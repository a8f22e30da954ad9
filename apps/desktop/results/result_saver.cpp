// SPDX-License-Identifier: Apache-2.0
#include "results/result_saver.hpp"

#include <QDir>
#include <QFileDialog>
#include <QSettings>
#include <QStandardPaths>

#include "base/error.hpp"
#include "results/save_results.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* folder_setting = "jobs/save_folder";

QString last_folder() {
  const QString folder = QSettings().value(folder_setting).toString();
  return QDir(folder).exists() && !folder.isEmpty()
             ? folder
             : QStandardPaths::writableLocation(QStandardPaths::PicturesLocation);
}

}  // namespace

ResultSaver::ResultSaver(QWidget* window) : QObject(window), window_(window) {}

void ResultSaver::save(const QList<JobRecord>& jobs,
                       const std::function<JobBackend*(const JobRecord&)>& backend_of) {
  if (jobs.isEmpty()) {
    return;
  }
  if (jobs.size() > 1) {
    const QString folder = QFileDialog::getExistingDirectory(
        window_, tr("Folder for %1 results").arg(jobs.size()), last_folder());
    if (!folder.isEmpty()) {
      QSettings().setValue(folder_setting, folder);
      save_into_folder(jobs, folder, backend_of);
    }
    return;
  }
  const JobRecord& job = jobs.front();
  const QString file =
      QFileDialog::getSaveFileName(window_, tr("Save the result"), last_folder() + "/" + job.result_name);
  if (!file.isEmpty()) {
    const QString folder = QFileInfo(file).absolutePath();
    QSettings().setValue(folder_setting, folder);
    begin(job, {folder, QFileInfo(file).absoluteFilePath()}, backend_of(job));
  }
}

void ResultSaver::save_into_folder(const QList<JobRecord>& jobs, const QString& folder,
                                   const std::function<JobBackend*(const JobRecord&)>& backend_of) {
  // All are wanted before the first has come, so that the end is told once.
  for (const JobRecord& job : jobs) {
    targets_.insert(job.key, {folder, {}});
  }
  for (const JobRecord& job : jobs) {
    begin(job, {folder, {}}, backend_of(job));
  }
}

void ResultSaver::begin(const JobRecord& job, const Target& target, JobBackend* backend) {
  targets_.insert(job.key, target);
  if (backend == nullptr) {
    not_fetched(job.key, tr("The place where the result lies cannot be reached."));
  } else {
    backend->fetch_result(job.key);
  }
}

void ResultSaver::fetched(JobBackend& backend, const JobRecord& job, const QString& file) {
  if (!waits_for(job.key)) {
    return;
  }
  const Target target = targets_.take(job.key);
  try {
    if (target.file.isEmpty()) {
      last_place_ =
          to_qstring(save_into(to_path(file), to_path(target.folder), job.result_name.toStdString()));
    } else {
      save_as(to_path(file), to_path(target.file));
      last_place_ = target.file;
    }
    ++saved_;
    backend.mark_saved(job.key);
  } catch (const Error& error) {
    failures_ += job.name + ": " + QString::fromStdString(error.what());
  }
  ended();
}

void ResultSaver::not_fetched(const QString& key, const QString& sentence) {
  if (targets_.remove(key) > 0) {
    failures_ += sentence;
    ended();
  }
}

void ResultSaver::ended() {
  if (!targets_.isEmpty()) {
    return;
  }
  if (saved_ == 1) {
    Q_EMIT message(tr("Saved as '%1'.").arg(last_place_));
  } else if (saved_ > 1) {
    Q_EMIT message(tr("%1 results saved in '%2'.").arg(saved_).arg(QFileInfo(last_place_).absolutePath()));
  }
  if (!failures_.isEmpty()) {
    Q_EMIT failed(failures_.join('\n'));
  }
  saved_ = 0;
  failures_.clear();
}

}  // namespace tessera::desktop
