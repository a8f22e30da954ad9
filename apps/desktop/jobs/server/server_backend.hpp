// SPDX-License-Identifier: Apache-2.0
// Jobs on a server: images are sent, jobs followed by the server's events, results fetched when they are
// wanted.
#pragma once

#include <QHash>
#include <QSet>
#include <memory>
#include <vector>

#include "client/client.hpp"
#include "jobs/model/job_backend.hpp"
#include "jobs/model/job_repository.hpp"
#include "jobs/server/job_sender.hpp"
#include "jobs/server/server_calls.hpp"
#include "jobs/server/server_events.hpp"

namespace tessera::desktop {

struct ServerOptions {
  ClientOptions client;
  QString journal_folder;
  QString results_folder;
};

/// The same folders for the same address, so that the jobs of a server are found again.
[[nodiscard]] ServerOptions default_server_options(const ClientOptions& client);

/// The server's events are the truth; the list of jobs is asked for whenever the stream of events has been
/// opened, so that nothing is missed whatever happened meanwhile. Jobs of the same user that are under way
/// and were sent from elsewhere are shown, too.
class ServerBackend : public JobBackend {
  Q_OBJECT

 public:
  explicit ServerBackend(const ServerOptions& options, QObject* parent = nullptr);
  ~ServerBackend() override;

  [[nodiscard]] std::vector<JobRecord> jobs() const override { return book_.jobs(); }
  void submit(std::vector<Submission> submissions) override;
  void cancel(const QStringList& keys) override;
  void retry(const QStringList& keys) override;
  void forget(const QStringList& keys) override;
  void fetch_result(const QString& key) override;
  void mark_saved(const QString& key) override;
  [[nodiscard]] bool has_links() const override { return true; }
  void make_link(const QString& key) override;
  [[nodiscard]] Connection connection() const override { return connection_; }
  void reconnect() override;
  [[nodiscard]] int jobs_that_need_the_program() const override;

 private:
  void ask_for_jobs();
  /// `asked_for`: ids that the list must have, unless the server does not know them any more.
  void take_list(const std::vector<Json>& views, const QSet<QString>& asked_for);
  void take_events(const std::vector<Json>& events);
  void take_acceptance(const QString& key, const Json& view);
  /// Of one of the jobs in the book.
  void apply_server_state(const QString& key, const Json& view);
  void keep_findings(const QString& key, const Json& findings);
  void set_connection(Connection connection);
  [[nodiscard]] QString folder_of(const QString& key) const { return options_.results_folder + "/" + key; }

  ServerOptions options_;
  JobRepository book_;
  std::shared_ptr<Client> client_;
  Connection connection_{Connection::State::connecting, {}};
  QHash<QString, Json>
      unclaimed_events_;  ///< events of jobs whose acceptance has not been heard of yet, by id
  QSet<QString> fetching_;
  ServerCalls calls_;
  JobSender sender_;
  ServerEvents events_;
};

}  // namespace tessera::desktop
