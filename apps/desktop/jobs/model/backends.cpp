// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/backends.hpp"

#include <QSettings>
#include <QUrl>
#include <algorithm>

#include "base/error.hpp"
#include "jobs/local/local_backend.hpp"
#include "jobs/server/server_backend.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* place_setting = "jobs/place";
constexpr const char* server_value = "server";
constexpr const char* this_computer_value = "this-computer";

}  // namespace

Backends::Backends(QObject* parent) : QObject(parent) {}

Backends::~Backends() {
  // Nobody hears anything of backends that end.
  blockSignals(true);
}

void Backends::open() {
  open_local();
  open_server();
  chosen_ = has_server() && QSettings().value(place_setting).toString() == server_value
                ? JobPlace::server
                : JobPlace::this_computer;
  Q_EMIT places_changed();
}

void Backends::open_local() {
  try {
    local_ = std::make_unique<LocalBackend>(default_local_options());
    listen_to(*local_);
  } catch (const Error& error) {
    local_problem_ = QString::fromStdString(error.what());
  }
}

void Backends::open_server() {
  if (server_) {
    QStringList keys;
    for (const JobRecord& job : server_->jobs()) {
      keys += job.key;
    }
    server_.reset();
    Q_EMIT jobs_forgotten(keys);
  }
  const ServerSettings settings = load_server_settings();
  if (!problem_with(settings)) {
    try {
      server_ = std::make_unique<ServerBackend>(default_server_options(client_options(settings)));
      listen_to(*server_);
    } catch (const Error& error) {
      Q_EMIT error_reported({}, QString::fromStdString(error.what()));
    }
  }
  Q_EMIT connection_changed();
}

std::optional<QString> Backends::set_server(const ServerSettings& settings) {
  if (auto failure = save_server_settings(settings)) {
    return failure;
  }
  open_server();
  choose(has_server() ? JobPlace::server : JobPlace::this_computer);
  return std::nullopt;
}

void Backends::listen_to(JobBackend& backend) {
  connect(&backend, &JobBackend::jobs_changed, this, &Backends::jobs_changed);
  connect(&backend, &JobBackend::jobs_forgotten, this, &Backends::jobs_forgotten);
  connect(&backend, &JobBackend::result_fetched, this, &Backends::result_fetched);
  connect(&backend, &JobBackend::error_reported, this, &Backends::error_reported);
  connect(&backend, &JobBackend::link_made, this,
          [this](const QString& /*key*/, const QString& url, const QDateTime& expires) {
            Q_EMIT link_made(url, expires);
          });
  connect(&backend, &JobBackend::connection_changed, this, &Backends::connection_changed);
  const std::vector<JobRecord> jobs = backend.jobs();
  Q_EMIT jobs_changed(QList<JobRecord>(jobs.begin(), jobs.end()));
}

JobBackend* Backends::backend(JobPlace place) const {
  return place == JobPlace::server ? server_.get() : local_.get();
}

QString Backends::server_name() { return QUrl(load_server_settings().address).authority(); }

Connection Backends::connection() const { return server_ ? server_->connection() : Connection{}; }

void Backends::reconnect() {
  if (server_) {
    server_->reconnect();
  }
}

int Backends::jobs_under_way() const {
  if (!server_) {
    return 0;
  }
  const std::vector<JobRecord> jobs = server_->jobs();
  return static_cast<int>(
      std::ranges::count_if(jobs, [](const JobRecord& job) { return !is_over(job.phase); }));
}

void Backends::choose(JobPlace place) {
  chosen_ = place;
  QSettings().setValue(place_setting, place == JobPlace::server ? server_value : this_computer_value);
  Q_EMIT places_changed();
}

QString Backends::chosen_name() const {
  return chosen_ == JobPlace::server ? server_name() : tr("This computer");
}

void Backends::each(const QList<JobRecord>& jobs,
                    const std::function<void(JobBackend& backend, const QStringList& keys)>& work) const {
  for (const JobPlace place : {JobPlace::this_computer, JobPlace::server}) {
    QStringList keys;
    for (const JobRecord& job : jobs) {
      if (job.place == place) {
        keys += job.key;
      }
    }
    if (JobBackend* const there = backend(place); there != nullptr && !keys.isEmpty()) {
      work(*there, keys);
    }
  }
}

}  // namespace tessera::desktop
