// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_list_model.hpp"

#include <QCoreApplication>
#include <QSet>
#include <algorithm>
#include <climits>

namespace tessera::desktop {
namespace {

bool newer_group(const JobRecord& a, const JobRecord& b) {
  // Groups by time, the newest first; inside of one as it was submitted.
  return a.group != b.group && a.submitted > b.submitted;
}

}  // namespace

void JobListModel::take(const QList<JobRecord>& jobs) {
  std::vector<JobRecord> fresh;
  QList<int> rows;
  for (const JobRecord& job : jobs) {
    const auto row = row_of_.constFind(job.key);
    if (row == row_of_.constEnd()) {
      fresh.push_back(job);
    } else {
      jobs_[static_cast<std::size_t>(*row)] = job;
      rows.push_back(*row);
    }
  }
  // Neighbours are told about together.
  std::ranges::sort(rows);
  for (qsizetype i = 0; i < rows.size();) {
    qsizetype last = i;
    while (last + 1 < rows.size() && rows[last + 1] == rows[last] + 1) {
      ++last;
    }
    Q_EMIT dataChanged(createIndex(rows[i], 0), createIndex(rows[last], 0));
    i = last + 1;
  }
  if (!fresh.empty()) {
    insert(std::move(fresh));
  }
  count();
}

/// Each run of jobs of one group goes where the group belongs.
void JobListModel::insert(std::vector<JobRecord> jobs) {
  std::size_t begin = 0;
  while (begin < jobs.size()) {
    std::size_t end = begin + 1;
    while (end < jobs.size() && jobs[end].group == jobs[begin].group) {
      ++end;
    }
    const JobRecord& first = jobs[begin];
    // Behind the group's own that are there already, or else before the first group that is older.
    auto place = jobs_.end();
    const auto own = std::find_if(jobs_.rbegin(), jobs_.rend(),
                                  [&](const JobRecord& job) { return job.group == first.group; });
    if (own != jobs_.rend()) {
      place = own.base();
    } else {
      place = std::ranges::find_if(jobs_, [&](const JobRecord& job) { return newer_group(first, job); });
    }
    const int row = static_cast<int>(place - jobs_.begin());
    beginInsertRows({}, row, row + static_cast<int>(end - begin) - 1);
    jobs_.insert(place, std::make_move_iterator(jobs.begin() + static_cast<std::ptrdiff_t>(begin)),
                 std::make_move_iterator(jobs.begin() + static_cast<std::ptrdiff_t>(end)));
    reindex();
    endInsertRows();
    begin = end;
  }
}

void JobListModel::remove(const QStringList& keys) {
  const QSet<QString> gone(keys.begin(), keys.end());
  for (int last = static_cast<int>(jobs_.size()) - 1; last >= 0;) {
    if (!gone.contains(jobs_[static_cast<std::size_t>(last)].key)) {
      --last;
      continue;
    }
    int first = last;
    while (first > 0 && gone.contains(jobs_[static_cast<std::size_t>(first) - 1].key)) {
      --first;
    }
    beginRemoveRows({}, first, last);
    for (int row = first; row <= last; ++row) {
      thumbnails_.remove(jobs_[static_cast<std::size_t>(row)].key);
    }
    jobs_.erase(jobs_.begin() + first, jobs_.begin() + last + 1);
    reindex();
    endRemoveRows();
    last = first - 1;
  }
  count();
}

void JobListModel::set_thumbnail(const QString& key, const QImage& image) {
  const auto row = row_of_.constFind(key);
  if (row != row_of_.constEnd()) {
    thumbnails_[key] = image;
    const QModelIndex at = createIndex(*row, 0);
    Q_EMIT dataChanged(at, at, {ThumbnailRole});
  }
}

const JobRecord* JobListModel::find(const QString& key) const {
  const auto row = row_of_.constFind(key);
  return row == row_of_.constEnd() ? nullptr : &jobs_[static_cast<std::size_t>(*row)];
}

int JobListModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(jobs_.size());
}

QVariant JobListModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) {
    return {};
  }
  const JobRecord& job = jobs_.at(static_cast<std::size_t>(index.row()));
  const QString remark = job.phase == JobPhase::failed ? job.failure : job.pipeline_text;
  switch (role) {
    case Qt::DisplayRole:
      return job.name;
    case Qt::ToolTipRole:
      return job.failure.isEmpty()
                 ? (job.detail.isEmpty() || is_over(job.phase) ? job.pipeline_text : job.detail)
                 : job.failure;
    case Qt::AccessibleTextRole:
      return QCoreApplication::translate("JobListModel", "%1: %2. %3")
          .arg(job.name, status_text(job), remark);
    case RecordRole:
      return QVariant::fromValue(job);
    case KeyRole:
      return job.key;
    case PhaseRole:
      return static_cast<int>(job.phase);
    case StatusRole:
      return status_text(job);
    case RemarkRole:
      return remark;
    case ThumbnailRole:
      return thumbnails_.value(job.key);
    default:
      return {};
  }
}

void JobListModel::reindex() {
  row_of_.clear();
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    row_of_.insert(jobs_[i].key, static_cast<int>(i));
  }
}

void JobListModel::count() {
  struct Group {
    int all = 0;
    int over = 0;
    double fraction = 0;
    GroupEnd end;
  };
  QHash<QString, Group> groups;
  JobTotals totals;
  totals.all = static_cast<int>(jobs_.size());
  for (const JobRecord& job : jobs_) {
    Group& group = groups[job.group];
    ++group.all;
    group.over += is_over(job.phase) ? 1 : 0;
    // Being sent counts for a tenth of the way.
    const double fraction = is_over(job.phase)                     ? 1
                            : job.place == JobPlace::this_computer ? job.fraction
                            : job.phase == JobPhase::sending       ? 0.1 * job.fraction
                                                                   : 0.1 + 0.9 * job.fraction;
    group.fraction += fraction;
    switch (job.phase) {
      case JobPhase::sending:
        ++totals.sending;
        break;
      case JobPhase::queued:
        ++totals.waiting;
        break;
      case JobPhase::running:
      case JobPhase::storing:
        ++totals.running;
        break;
      case JobPhase::done:
        ++totals.done;
        ++group.end.done;
        totals.unsaved += job.saved ? 0 : 1;
        break;
      case JobPhase::failed:
        ++totals.failed;
        ++group.end.failed;
        break;
      case JobPhase::cancelled:
        ++totals.cancelled;
        ++group.end.cancelled;
        break;
    }
  }
  double fraction = 0;
  QHash<QString, int> open;
  QList<GroupEnd> ended;
  for (auto group = groups.begin(); group != groups.end(); ++group) {
    if (group->over < group->all) {
      open[group.key()] = group->all - group->over;
      totals.open_all += group->all;
      totals.open_over += group->over;
      fraction += group->fraction;
    } else if (open_groups_.contains(group.key())) {
      group->end.group = group.key();
      ended.push_back(group->end);
    }
  }
  totals.fraction = totals.open_all > 0 ? fraction / totals.open_all : 1;
  open_groups_ = std::move(open);
  if (totals != totals_) {
    totals_ = totals;
    Q_EMIT totals_changed();
  }
  for (const GroupEnd& end : ended) {
    Q_EMIT group_ended(end);
  }
}

QString status_text(const JobRecord& job) {
  QString phase = phase_text(job.phase);
  const int percent = static_cast<int>(job.fraction * 100);
  if (job.phase == JobPhase::sending && !job.detail.isEmpty()) {
    return QCoreApplication::translate("JobStatus", "Waiting for the server");
  }
  if ((job.phase == JobPhase::running || job.phase == JobPhase::sending) && percent > 0) {
    return QCoreApplication::translate("JobStatus", "%1, %2 %").arg(phase).arg(percent);
  }
  if (job.phase == JobPhase::done && job.found > 0) {
    return QCoreApplication::translate("JobStatus", "Done, %n found", nullptr,
                                       static_cast<int>(std::min<std::int64_t>(job.found, INT_MAX)));
  }
  return phase;
}

QString progress_text(const JobTotals& totals) {
  if (totals.open_all == 0) {
    return {};
  }
  QString text = QCoreApplication::translate("JobStatus", "%1 of %2 finished")
                     .arg(totals.open_over)
                     .arg(totals.open_all);
  const auto add = [&](int count, const char* words) {
    if (count > 0) {
      text += QStringLiteral(" · ") + QCoreApplication::translate("JobStatus", words).arg(count);
    }
  };
  add(totals.running, QT_TRANSLATE_NOOP("JobStatus", "%1 processing"));
  add(totals.sending, QT_TRANSLATE_NOOP("JobStatus", "%1 being sent"));
  add(totals.waiting, QT_TRANSLATE_NOOP("JobStatus", "%1 waiting"));
  return text;
}

}  // namespace tessera::desktop
