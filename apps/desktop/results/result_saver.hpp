// SPDX-License-Identifier: Apache-2.0
// Brings results to where the user wants them, fetching them first if need be.
#pragma once

#include <QHash>
#include <QObject>
#include <QStringList>
#include <functional>

#include "jobs/model/job_backend.hpp"

class QWidget;

namespace tessera::desktop {

class ResultSaver : public QObject {
  Q_OBJECT

 public:
  /// `window` is where the user is asked for names.
  explicit ResultSaver(QWidget* window);

  /// Asks for a file (one job) or a folder (more), and saves there. `backend_of` names the place of a job.
  void save(const QList<JobRecord>& jobs, const std::function<JobBackend*(const JobRecord&)>& backend_of);
  /// Into a folder, without asking. Names that are taken get a number.
  void save_into_folder(const QList<JobRecord>& jobs, const QString& folder,
                        const std::function<JobBackend*(const JobRecord&)>& backend_of);
  /// The results that a backend has fetched, or cannot.
  void fetched(JobBackend& backend, const JobRecord& job, const QString& file);
  void not_fetched(const QString& key, const QString& sentence);
  [[nodiscard]] bool waits_for(const QString& key) const { return targets_.contains(key); }

 Q_SIGNALS:
  void message(const QString& text);
  void failed(const QString& text);

 private:
  struct Target {
    QString folder;
    QString file;  ///< that the user has named; empty: the result's own name, in the folder
  };
  void begin(const JobRecord& job, const Target& target, JobBackend* backend);
  void ended();

  QWidget* window_;
  QHash<QString, Target> targets_;
  // Of what is being saved now, until all of it is over:
  int saved_ = 0;
  QString last_place_;
  QStringList failures_;
};

}  // namespace tessera::desktop
