// SPDX-License-Identifier: Apache-2.0
// Brings submitted images to a server, and has them accepted as jobs.
#pragma once

#include <QHash>
#include <QObject>
#include <QTimer>
#include <memory>
#include <stop_token>

#include "client/client.hpp"
#include "jobs/model/job_repository.hpp"
#include "jobs/server/server_calls.hpp"

namespace tessera::desktop {

/// Sends the jobs of the book that are in the phase "sending": first the image, then the job. Where the
/// server is away or too busy it tries again later; what is wrong with the image fails the job.
class JobSender : public QObject {
  Q_OBJECT

 public:
  /// `book` and `calls` must live as long as calls are under way.
  JobSender(JobRepository& book, ServerCalls& calls, std::shared_ptr<Client> client,
            QObject* parent = nullptr);

  void send_what_waits();
  /// While it is paused, nothing is begun to be sent.
  void set_paused(bool paused) { paused_ = paused; }
  /// Takes a job back that was not accepted yet. If its acceptance is under way already,
  /// accepted_too_late() follows.
  void take_back(const QString& key);
  [[nodiscard]] bool is_sending() const { return !sending_.isEmpty(); }
  /// Asks what is on its way to stop.
  void stop();

 Q_SIGNALS:
  void accepted(const QString& key, const tessera::Json& view);
  /// After accepted(): meanwhile it was taken back.
  void accepted_too_late(const QString& key);

 private:
  void send_image(const QString& key, const std::stop_source& stop);
  void send_job(const QString& key, const std::stop_source& stop);
  void show_progress(const QString& key, double fraction);
  void failed(const QString& key, const std::stop_source& stop, const Error& error);

  JobRepository& book_;
  ServerCalls& calls_;
  std::shared_ptr<Client> client_;
  QHash<QString, std::stop_source> sending_;  ///< by key: what is on its way
  QTimer try_again_;
  bool paused_ = false;
};

}  // namespace tessera::desktop
