// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_store_file.hpp"

#include <fmt/format.h>

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QSaveFile>
#include <algorithm>
#include <mutex>

#include "base/error.hpp"

namespace tessera::desktop {
namespace {

constexpr int max_programs = 64;
constexpr int journal_version = 1;

QByteArray written(const std::vector<JobRecord>& jobs) {
  Json list = Json::array();
  for (const JobRecord& job : jobs) {
    list.push_back(to_json(job));
  }
  return QByteArray::fromStdString(Json{{"version", journal_version}, {"jobs", std::move(list)}}.dump(
      1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

struct JobStoreFile::Outcome {
  std::mutex mutex;
  QString failure;
};

JobStoreFile::JobStoreFile(const QString& folder, const QString& name)
    : outcome_(std::make_shared<Outcome>()) {
  writer_.setMaxThreadCount(1);
  if (!QDir().mkpath(folder)) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot make the folder '{}', where jobs are remembered.", folder.toStdString()));
  }
  for (int slot = 1; slot <= max_programs; ++slot) {
    const QString file = QStringLiteral("%1/%2-%3.json").arg(folder, name).arg(slot);
    auto lock = std::make_unique<QLockFile>(file + ".lock");
    lock->setStaleLockTime(0);  // a lock is stale when its program is gone, however old it is
    if (!lock->tryLock(0)) {
      if (lock->error() != QLockFile::LockFailedError) {
        throw Error(ErrorCode::io,
                    fmt::format("Cannot write in '{}', where jobs are remembered.", folder.toStdString()));
      }
      continue;  // another program that runs
    }
    absorb(file);
    if (!lock_) {
      lock_ = std::move(lock);
      file_ = file;
    }
  }
  if (!lock_) {
    throw Error(ErrorCode::busy,
                fmt::format("{} programs use '{}' already: close one.", max_programs, folder.toStdString()));
  }
  std::ranges::stable_sort(found_, {}, &JobRecord::submitted);
  // The others' files go only once their jobs are safe in this one.
  save(found_);
  writer_.waitForDone();
  if (last_failure().isEmpty()) {
    for (int slot = 1; slot <= max_programs; ++slot) {
      const QString file = QStringLiteral("%1/%2-%3.json").arg(folder, name).arg(slot);
      QLockFile lock(file + ".lock");
      if (file != file_ && QFile::exists(file) && lock.tryLock(0)) {
        QFile::remove(file);
      }
    }
  }
}

JobStoreFile::~JobStoreFile() { writer_.waitForDone(); }

void JobStoreFile::absorb(const QString& file) {
  QFile stored(file);
  if (!stored.exists()) {
    return;
  }
  QString reason = stored.open(QIODevice::ReadOnly) ? QString() : stored.errorString();
  if (reason.isEmpty()) {
    const Json json = Json::parse(stored.readAll().toStdString(), nullptr, false);
    if (!json.is_object() || !json.contains("jobs")) {
      reason = QCoreApplication::translate("JobStoreFile", "it is damaged");
    } else {
      for (const Json& job : json["jobs"]) {
        try {
          found_.push_back(record_from_json(job));
        } catch (const Error& error) {
          reason = error.what();
        }
      }
    }
  }
  if (!reason.isEmpty()) {
    const QString aside = file + ".unreadable";
    QFile::remove(aside);
    QFile::copy(file, aside);
    problems_ +=
        QCoreApplication::translate("JobStoreFile",
                                    "Some jobs of the last time cannot be shown (%1). They are kept in '%2'.")
            .arg(reason, aside);
  }
}

void JobStoreFile::save(std::vector<JobRecord> jobs) {
  writer_.start([jobs = std::move(jobs), file = file_, outcome = outcome_] {
    QSaveFile out(file);
    const QByteArray text = written(jobs);
    const bool good = out.open(QIODevice::WriteOnly) && out.write(text) == text.size() && out.commit();
    const std::scoped_lock guard(outcome->mutex);
    outcome->failure =
        good ? QString()
             : QCoreApplication::translate("JobStoreFile", "Jobs cannot be remembered in '%1': %2.")
                   .arg(file, out.errorString());
  });
}

QString JobStoreFile::last_failure() const {
  const std::scoped_lock guard(outcome_->mutex);
  return outcome_->failure;
}

}  // namespace tessera::desktop
