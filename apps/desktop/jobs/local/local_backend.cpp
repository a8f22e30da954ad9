// SPDX-License-Identifier: Apache-2.0
#include "jobs/local/local_backend.hpp"

#include <fmt/format.h>

#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/machine.hpp"
#include "jobs/local/local_run.hpp"

namespace tessera::desktop {
namespace {

constexpr std::chrono::milliseconds between_progress{50};

}  // namespace

LocalOptions default_local_options() {
  LocalOptions options;
  options.journal_folder = QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/jobs";
  options.results_folder = QStandardPaths::writableLocation(QStandardPaths::CacheLocation) + "/results";
  const int cores = usable_cores();
  options.jobs_at_once = std::clamp(cores / 2, 1, 4);
  options.threads_per_job = std::max(1, cores / options.jobs_at_once);
  return options;
}

LocalBackend::LocalBackend(const LocalOptions& options, QObject* parent)
    : JobBackend(parent), options_(options), book_(options.journal_folder, "this-computer") {
  workers_.setMaxThreadCount(options_.jobs_at_once);
  tell_of(book_);
  take_up_again();
}

LocalBackend::~LocalBackend() {
  workers_.clear();
  for (std::stop_source& stop : under_way_) {
    stop.request_stop();
  }
  workers_.waitForDone();
}

/// What the program had not finished when it ended begins anew; what has lost its result says so.
void LocalBackend::take_up_again() {
  const std::vector<JobRecord> found = book_.jobs();
  for (const JobRecord& job : found) {
    if (!is_over(job.phase)) {
      enqueue(job.key);
    } else if (job.phase == JobPhase::done && !QFileInfo::exists(job.result_file)) {
      book_.change(job.key, [](JobRecord& lost) {
        lost.phase = JobPhase::failed;
        lost.failure =
            tr("The result is no longer in the cache of this computer. Try again to make it anew.");
      });
    }
  }
}

void LocalBackend::submit(std::vector<Submission> submissions) {
  std::vector<JobRecord> jobs = new_group(std::move(submissions), "local");
  QStringList keys;
  for (const JobRecord& job : jobs) {
    keys += job.key;
  }
  book_.add(std::move(jobs));
  for (const QString& key : keys) {
    enqueue(key);
  }
}

void LocalBackend::enqueue(const QString& key) {
  std::stop_source stop;
  under_way_[key] = stop;
  book_.change(key, [](JobRecord& job) {
    job.phase = JobPhase::queued;
    job.fraction = 0;
    clear_result(job);
  });
  const JobRecord job = *book_.find(key);
  workers_.start([this, job, token = stop.get_token(), threads = options_.threads_per_job,
                  folder = to_path(options_.results_folder) / key.toStdString()] {
    // Changes are made on the thread of the book. A job that was cancelled meanwhile is under way no more.
    const auto change = [this, key = job.key, token](const std::function<void(JobRecord&)>& work,
                                                     bool ends = false) {
      QMetaObject::invokeMethod(this, [this, key, token, work, ends] {
        const auto current = under_way_.constFind(key);
        if (current == under_way_.constEnd() || current->get_token() != token) {
          return;
        }
        if (ends) {
          under_way_.erase(current);
        }
        book_.change(key, work);
      });
    };
    const auto fail = [&](const QString& sentence) {
      change(
          [sentence](JobRecord& record) {
            record.phase = JobPhase::failed;
            record.failure = sentence;
          },
          true);
    };
    if (token.stop_requested()) {
      return;
    }
    change([](JobRecord& record) { record.phase = JobPhase::running; });
    auto last = std::chrono::steady_clock::time_point();
    const auto progress = [&](double fraction) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last >= between_progress) {
        last = now;
        change([fraction](JobRecord& record) { record.fraction = fraction; });
      }
    };
    try {
      const LocalResult result =
          run_locally({to_path(job.file), job.pipeline, job.output}, folder, threads, progress, token);
      const std::int64_t found = count_rows(result.findings);
      const auto findings_file = folder / "findings.json";
      if (found > 0) {
        write_findings(findings_file, result.findings);
      }
      change(
          [result, found, findings_file](JobRecord& record) {
            record.phase = JobPhase::done;
            record.fraction = 1;
            record.result_file = to_qstring(result.file);
            record.result_name = to_qstring(result.file.filename());
            record.result_bytes = result.bytes;
            record.result_size = {static_cast<int>(result.width_px), static_cast<int>(result.height_px)};
            record.warnings = result.warnings;
            record.found = found;
            record.findings_file = found > 0 ? to_qstring(findings_file) : QString();
          },
          true);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::cancelled) {
        fail(QString::fromStdString(error.what()));
      }
    } catch (const std::bad_alloc&) {
      fail(tr("Memory ran out on this computer: close other programs, or send the image to a server."));
    } catch (const std::exception& error) {
      fail(tr("Internal error: %1").arg(QString::fromLocal8Bit(error.what())));
    }
  });
}

void LocalBackend::cancel(const QStringList& keys) {
  for (const QString& key : keys) {
    if (const auto stop = under_way_.find(key); stop != under_way_.end()) {
      stop->request_stop();
      under_way_.erase(stop);
      book_.change(key, [](JobRecord& job) { job.phase = JobPhase::cancelled; });
    }
  }
}

void LocalBackend::retry(const QStringList& keys) {
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job != nullptr && (job->phase == JobPhase::failed || job->phase == JobPhase::cancelled)) {
      enqueue(key);
    }
  }
}

void LocalBackend::forget(const QStringList& keys) {
  QStringList gone;
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job != nullptr && is_over(job->phase)) {
      QDir(options_.results_folder + "/" + key).removeRecursively();
      gone += key;
    }
  }
  book_.remove(gone);
}

void LocalBackend::fetch_result(const QString& key) {
  const JobRecord* const job = book_.find(key);
  if (job == nullptr || job->phase != JobPhase::done) {
    return;
  }
  if (QFileInfo::exists(job->result_file)) {
    Q_EMIT result_fetched(key, job->result_file);
  } else {
    book_.change(key, [](JobRecord& lost) {
      lost.phase = JobPhase::failed;
      lost.failure = tr("The result is no longer in the cache of this computer. Try again to make it anew.");
    });
  }
}

void LocalBackend::mark_saved(const QString& key) {
  book_.change(key, [](JobRecord& job) { job.saved = true; });
}

void LocalBackend::make_link(const QString& key) {
  Q_EMIT error_reported(key, tr("Results on this computer have no link: only a server can make one."));
}

int LocalBackend::jobs_that_need_the_program() const {
  return book_.count_if([](const JobRecord& job) { return !is_over(job.phase); });
}

}  // namespace tessera::desktop
