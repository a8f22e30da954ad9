// Jobs on a server: images are sent, jobs followed by the server's events, results fetched when they are
// wanted.
#pragma once

#include <QHash>
#include <QSet>
#include <QThreadPool>
#include <QTimer>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "client/client.hpp"
#include "jobs/job_backend.hpp"
#include "jobs/job_book.hpp"

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
  enum class Pool { requests, transfers };
  /// Runs on a thread of the pool. What it throws is given to `failed` on this object's thread.
  void start(Pool pool, std::function<void(const std::stop_token& stop)> work,
             std::function<void(const Error& error)> failed, std::stop_token stop = {});
  /// Runs on this object's thread.
  void here(std::function<void()> work);

  void send(const QString& key);
  void send_image(const QString& key, const std::stop_source& stop);
  void send_job(const QString& key, const std::stop_source& stop);
  void sending_failed(const QString& key, const std::stop_source& stop, const Error& error);
  void send_what_waits();

  void follow();
  void stop_following();
  void take_events();
  void ask_for_jobs();
  /// `asked_for`: ids that the list must have, unless the server does not know them any more.
  void take_list(const std::vector<Json>& views, const QSet<QString>& asked_for);
  /// Of one of the jobs in the book.
  void take_view(const QString& key, const Json& view);
  void adopt(const Json& view);
  void keep_findings(const QString& key, const Json& findings);
  void set_connection(Connection connection);
  [[nodiscard]] QString folder_of(const QString& key) const { return options_.results_folder + "/" + key; }

  ServerOptions options_;
  JobBook book_;
  std::shared_ptr<Client> client_;
  Connection connection_{Connection::State::connecting, {}};
  std::stop_source ending_;
  QHash<QString, std::stop_source> sending_;  ///< by key: images that are on their way
  QHash<QString, Json> strangers_;  ///< events of jobs whose acceptance has not been heard of yet, by id
  QSet<QString> fetching_;
  QTimer try_again_;
  QThreadPool requests_;
  QThreadPool transfers_;

  std::mutex mutex_;
  std::vector<Json> events_;  ///< guarded by mutex_: come, but not taken yet
  std::stop_source following_;
  std::jthread follower_;
};

}  // namespace tessera::desktop
