// SPDX-License-Identifier: Apache-2.0
// Jobs on disk, so that the program may end at any time.
#pragma once

#include <QLockFile>
#include <QString>
#include <QStringList>
#include <QThreadPool>
#include <memory>
#include <vector>

#include "jobs/model/job_record.hpp"

namespace tessera::desktop {

/// One file of jobs for each running program, "NAME-1.json", "NAME-2.json", ... in a folder. Opening it takes
/// over the jobs of programs that have ended. The folder is made if need be.
class JobStoreFile {
 public:
  /// Throws Error(io) if the folder cannot be made or written.
  JobStoreFile(const QString& folder, const QString& name);
  ~JobStoreFile();  ///< waits until all is written
  JobStoreFile(const JobStoreFile&) = delete;
  JobStoreFile& operator=(const JobStoreFile&) = delete;

  /// What was found when it was opened, the oldest first. A file that cannot be read is put aside, not lost:
  /// problems() tells.
  [[nodiscard]] std::vector<JobRecord> take_found() { return std::move(found_); }
  [[nodiscard]] const QStringList& problems() const { return problems_; }

  /// Replaces the file as a whole, on another thread, in order.
  void save(std::vector<JobRecord> jobs);
  /// Whether what was saved last got onto the disk; else a sentence that says why not.
  [[nodiscard]] QString last_failure() const;

 private:
  void absorb(const QString& file);
  QString file_;
  std::unique_ptr<QLockFile> lock_;
  std::vector<JobRecord> found_;
  QStringList problems_;
  QThreadPool writer_;
  struct Outcome;
  std::shared_ptr<Outcome> outcome_;
};

}  // namespace tessera::desktop
