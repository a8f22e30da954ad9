// SPDX-License-Identifier: Apache-2.0
// The places where jobs run: this computer and, where one is set up, a server.
#pragma once

#include <QList>
#include <QObject>
#include <functional>
#include <memory>

#include "jobs/model/job_backend.hpp"
#include "jobs/server/server_settings.hpp"

namespace tessera::desktop {

/// Opens the backends as the settings say, tells of both together, and remembers which one is chosen.
class Backends : public QObject {
  Q_OBJECT

 public:
  explicit Backends(QObject* parent = nullptr);
  ~Backends() override;

  /// Opens the backends. Who wants to know of their jobs is connected before.
  void open();
  /// Saves the settings, and opens that server instead of the one before; or none, if they name none. Else a
  /// sentence that says why they cannot be saved, and nothing changes.
  [[nodiscard]] std::optional<QString> set_server(const ServerSettings& settings);

  /// Null where it cannot be used.
  [[nodiscard]] JobBackend* backend(JobPlace place) const;
  [[nodiscard]] bool has_server() const { return server_ != nullptr; }
  /// "tessera.example.org:8080"
  [[nodiscard]] static QString server_name();
  [[nodiscard]] Connection connection() const;
  void reconnect();
  /// Of the server.
  [[nodiscard]] int jobs_under_way() const;
  /// Why this computer cannot be used; empty if it can.
  [[nodiscard]] const QString& local_problem() const { return local_problem_; }

  [[nodiscard]] JobPlace chosen() const { return chosen_; }
  void choose(JobPlace place);
  /// "This computer", or the server's name.
  [[nodiscard]] QString chosen_name() const;

  /// Calls for each place with the keys of those jobs that are there.
  void each(const QList<JobRecord>& jobs,
            const std::function<void(JobBackend& backend, const QStringList& keys)>& work) const;

 Q_SIGNALS:
  void jobs_changed(const QList<tessera::desktop::JobRecord>& jobs);
  void jobs_forgotten(const QStringList& keys);
  void result_fetched(const QString& key, const QString& file);
  void link_made(const QString& url, const QDateTime& expires);
  void error_reported(const QString& key, const QString& sentence);
  void connection_changed();
  /// Another one is chosen, or there is another server.
  void places_changed();

 private:
  void open_local();
  void open_server();
  void listen_to(JobBackend& backend);

  std::unique_ptr<JobBackend> local_;
  std::unique_ptr<JobBackend> server_;
  QString local_problem_;
  JobPlace chosen_ = JobPlace::this_computer;
};

}  // namespace tessera::desktop
