// SPDX-License-Identifier: Apache-2.0
// The jobs of one place: changed on one thread, told about in bundles, and remembered in the journal.
#pragma once

#include <QHash>
#include <QObject>
#include <QSet>
#include <QTimer>
#include <functional>
#include <vector>

#include "jobs/model/job_record.hpp"
#include "jobs/model/job_store_file.hpp"

namespace tessera::desktop {

class JobRepository : public QObject {
  Q_OBJECT

 public:
  JobRepository(const QString& folder, const QString& name, QObject* parent = nullptr);
  ~JobRepository() override;  ///< writes what is not written yet

  [[nodiscard]] const std::vector<JobRecord>& jobs() const { return jobs_; }
  [[nodiscard]] const JobRecord* find(const QString& key) const;
  [[nodiscard]] const JobRecord* find_id(const QString& id) const;
  [[nodiscard]] int count_if(const std::function<bool(const JobRecord&)>& condition) const;
  [[nodiscard]] const QStringList& problems() const { return journal_.problems(); }

  void add(std::vector<JobRecord> jobs);
  /// Nothing happens if there is none of that key. The key must stay as it is.
  void change(const QString& key, const std::function<void(JobRecord&)>& work);
  void remove(const QStringList& keys);

 Q_SIGNALS:
  void changed(const QList<tessera::desktop::JobRecord>& jobs);
  void removed(const QStringList& keys);
  /// What is remembered cannot be written.
  void write_failed(const QString& sentence);

 private:
  void touch(const QString& key);
  void tell();
  void write();
  void index();

  JobStoreFile journal_;
  std::vector<JobRecord> jobs_;  ///< the oldest first
  QHash<QString, std::size_t> by_key_;
  QHash<QString, QString> key_of_id_;
  QSet<QString> touched_;
  QTimer tell_timer_;
  QTimer write_timer_;
  QString told_failure_;
};

}  // namespace tessera::desktop
