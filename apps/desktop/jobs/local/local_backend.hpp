// SPDX-License-Identifier: Apache-2.0
// Jobs on this computer: the engine, in this process.
#pragma once

#include <QHash>
#include <QThreadPool>
#include <memory>
#include <stop_token>

#include "jobs/model/job_backend.hpp"
#include "jobs/model/job_repository.hpp"

namespace tessera::desktop {

struct LocalOptions {
  QString journal_folder;  ///< where jobs are remembered
  QString results_folder;  ///< where results lie until the user saves them
  int jobs_at_once = 1;
  int threads_per_job = 1;
};

/// Small images side by side, each with a few threads, so that all cores have work.
[[nodiscard]] LocalOptions default_local_options();

class LocalBackend : public JobBackend {
  Q_OBJECT

 public:
  /// Throws Error(io) if there is no place to remember jobs.
  explicit LocalBackend(const LocalOptions& options, QObject* parent = nullptr);
  ~LocalBackend() override;

  [[nodiscard]] std::vector<JobRecord> jobs() const override { return book_.jobs(); }
  void submit(std::vector<Submission> submissions) override;
  void cancel(const QStringList& keys) override;
  void retry(const QStringList& keys) override;
  void forget(const QStringList& keys) override;
  void fetch_result(const QString& key) override;
  void mark_saved(const QString& key) override;
  [[nodiscard]] bool has_links() const override { return false; }
  void make_link(const QString& key) override;
  [[nodiscard]] Connection connection() const override { return {}; }
  void reconnect() override {}
  [[nodiscard]] int jobs_that_need_the_program() const override;

 private:
  void enqueue(const QString& key);
  void take_up_again();

  LocalOptions options_;
  JobRepository book_;
  QHash<QString, std::stop_source> under_way_;
  QThreadPool workers_;
};

}  // namespace tessera::desktop
