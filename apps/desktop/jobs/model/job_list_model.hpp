// SPDX-License-Identifier: Apache-2.0
// All jobs, wherever they run: the newest group first, each group in the order in which it was submitted.
#pragma once

#include <QAbstractListModel>
#include <QHash>
#include <QImage>
#include <QList>
#include <vector>

#include "jobs/model/job_record.hpp"

namespace tessera::desktop {

struct JobTotals {
  int all = 0;
  int sending = 0;
  int waiting = 0;
  int running = 0;  ///< storing included
  int done = 0;
  int failed = 0;
  int cancelled = 0;
  int unsaved = 0;      ///< done, and the user has no copy yet
  double fraction = 1;  ///< of the groups that are not over
  int open_all = 0;     ///< jobs of these groups, those that are over included
  int open_over = 0;    ///< of them
  [[nodiscard]] int under_way() const { return sending + waiting + running; }
  bool operator==(const JobTotals&) const = default;
};

/// How a group ended.
struct GroupEnd {
  QString group;
  int done = 0;
  int failed = 0;
  int cancelled = 0;
};

class JobListModel : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role {
    RecordRole = Qt::UserRole + 1,  ///< the JobRecord
    KeyRole,
    PhaseRole,      ///< int of JobPhase
    StatusRole,     ///< "Processing 40 %", "Waiting"
    RemarkRole,     ///< what is below the name: operators, or why it failed
    ThumbnailRole,  ///< QImage; null while there is none
  };
  using QAbstractListModel::QAbstractListModel;

  /// New ones get in, those that are known are replaced.
  void take(const QList<JobRecord>& jobs);
  void remove(const QStringList& keys);
  void set_thumbnail(const QString& key, const QImage& image);

  [[nodiscard]] const JobRecord* find(const QString& key) const;
  [[nodiscard]] const std::vector<JobRecord>& jobs() const { return jobs_; }
  [[nodiscard]] const JobTotals& totals() const { return totals_; }

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;

 Q_SIGNALS:
  void totals_changed();
  /// The last job of a group that had been seen under way is over.
  void group_ended(const tessera::desktop::GroupEnd& end);

 private:
  void insert(std::vector<JobRecord> jobs);
  void reindex();
  void count();

  std::vector<JobRecord> jobs_;
  QHash<QString, int> row_of_;
  QHash<QString, QImage> thumbnails_;
  QHash<QString, int> open_groups_;  ///< jobs under way, of groups that have some
  JobTotals totals_;
};

/// In words, such as "Processing, 40 %".
[[nodiscard]] QString status_text(const JobRecord& job);
/// "12 of 40 done, 2 failed"; empty if nothing is under way.
[[nodiscard]] QString progress_text(const JobTotals& totals);

}  // namespace tessera::desktop

Q_DECLARE_METATYPE(tessera::desktop::GroupEnd)
