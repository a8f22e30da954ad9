// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_repository.hpp"

#include <algorithm>

namespace tessera::desktop {
namespace {

constexpr int between_tellings_ms = 50;
constexpr int between_writings_ms = 1000;

/// What the journal would have to be written again for: not for every bit of progress.
bool same_in_journal(const JobRecord& a, const JobRecord& b) {
  return a.phase == b.phase && a.id == b.id && a.object == b.object && a.failure == b.failure &&
         a.result_file == b.result_file && a.findings_file == b.findings_file && a.saved == b.saved &&
         a.generation == b.generation && a.group == b.group;
}

}  // namespace

JobRepository::JobRepository(const QString& folder, const QString& name, QObject* parent)
    : QObject(parent), journal_(folder, name), jobs_(journal_.take_found()) {
  index();
  for (QTimer* timer : {&tell_timer_, &write_timer_}) {
    timer->setSingleShot(true);
  }
  tell_timer_.setInterval(between_tellings_ms);
  write_timer_.setInterval(between_writings_ms);
  connect(&tell_timer_, &QTimer::timeout, this, &JobRepository::tell);
  connect(&write_timer_, &QTimer::timeout, this, &JobRepository::write);
}

JobRepository::~JobRepository() {
  if (write_timer_.isActive()) {
    journal_.save(jobs_);
  }
}

const JobRecord* JobRepository::find(const QString& key) const {
  const auto at = by_key_.constFind(key);
  return at == by_key_.constEnd() ? nullptr : &jobs_[*at];
}

const JobRecord* JobRepository::find_id(const QString& id) const {
  const auto key = key_of_id_.constFind(id);
  return key == key_of_id_.constEnd() ? nullptr : find(*key);
}

int JobRepository::count_if(const std::function<bool(const JobRecord&)>& condition) const {
  return static_cast<int>(std::ranges::count_if(jobs_, condition));
}

void JobRepository::add(std::vector<JobRecord> jobs) {
  for (JobRecord& job : jobs) {
    touch(job.key);
    jobs_.push_back(std::move(job));
  }
  index();
  // New jobs are remembered at once: the user counts on them from here on. And told of before anything
  // becomes of them, so that the end of the quickest is still seen as one.
  write();
  tell();
}

void JobRepository::change(const QString& key, const std::function<void(JobRecord&)>& work) {
  const auto at = by_key_.constFind(key);
  if (at == by_key_.constEnd()) {
    return;
  }
  JobRecord& job = jobs_[*at];
  const JobRecord before = job;
  work(job);
  if (job.id != before.id) {
    key_of_id_.remove(before.id);
    if (!job.id.isEmpty()) {
      key_of_id_.insert(job.id, key);
    }
  }
  if (!same_in_journal(before, job) && !write_timer_.isActive()) {
    write_timer_.start();
  }
  touch(key);
}

void JobRepository::remove(const QStringList& keys) {
  const QSet<QString> gone(keys.begin(), keys.end());
  std::erase_if(jobs_, [&](const JobRecord& job) { return gone.contains(job.key); });
  touched_ -= gone;
  index();
  write();
  Q_EMIT removed(keys);
}

void JobRepository::touch(const QString& key) {
  touched_.insert(key);
  if (!tell_timer_.isActive()) {
    tell_timer_.start();
  }
}

void JobRepository::tell() {
  QList<JobRecord> jobs;
  for (const JobRecord& job : jobs_) {
    if (touched_.contains(job.key)) {
      jobs.push_back(job);
    }
  }
  touched_.clear();
  if (!jobs.isEmpty()) {
    Q_EMIT changed(jobs);
  }
  if (const QString failure = journal_.last_failure(); failure != told_failure_) {
    told_failure_ = failure;
    if (!failure.isEmpty()) {
      Q_EMIT write_failed(failure);
    }
  }
}

void JobRepository::write() {
  write_timer_.stop();
  journal_.save(jobs_);
}

void JobRepository::index() {
  by_key_.clear();
  key_of_id_.clear();
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    by_key_.insert(jobs_[i].key, i);
    if (!jobs_[i].id.isEmpty()) {
      key_of_id_.insert(jobs_[i].id, jobs_[i].key);
    }
  }
}

}  // namespace tessera::desktop
