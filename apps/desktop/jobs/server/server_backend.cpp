// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_backend.hpp"

#include <fmt/format.h>

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <QUrl>
#include <algorithm>

#include "base/error.hpp"
#include "jobs/local/local_run.hpp"
#include "jobs/server/server_views.hpp"
#include "net/crypto.hpp"
#include "ports/job.hpp"
#include "ports/result_names.hpp"

namespace tessera::desktop {
namespace {

constexpr int jobs_on_a_page = 500;
constexpr int max_pages = 20;
/// More than these give way to what somebody is waiting for.
constexpr std::size_t max_interactive = 20;
constexpr int max_unclaimed_events = 2000;

}  // namespace

ServerOptions default_server_options(const ClientOptions& client) {
  const QString name = QString::fromLatin1(
      QCryptographicHash::hash(QByteArray::fromStdString(client.server), QCryptographicHash::Sha256)
          .toHex()
          .left(12));
  return {client, QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/jobs/" + name,
          QStandardPaths::writableLocation(QStandardPaths::CacheLocation) + "/results"};
}

ServerBackend::ServerBackend(const ServerOptions& options, QObject* parent)
    : JobBackend(parent),
      options_(options),
      book_(options.journal_folder, "server"),
      client_(std::make_shared<Client>(options.client)),
      sender_(book_, calls_, client_),
      events_(client_) {
  tell_of(book_);
  connect(&sender_, &JobSender::accepted, this, &ServerBackend::take_acceptance);
  connect(&sender_, &JobSender::accepted_too_late, this, [this](const QString& key) { cancel({key}); });
  connect(&events_, &ServerEvents::came, this, &ServerBackend::take_events);
  connect(&events_, &ServerEvents::connected, this, [this] {
    set_connection({Connection::State::connected, {}});
    ask_for_jobs();
    sender_.send_what_waits();
  });
  connect(&events_, &ServerEvents::lost, this, [this](const QString& reason) {
    set_connection({Connection::State::lost, reason});
  });
  connect(&events_, &ServerEvents::refused, this, [this](const QString& reason) {
    set_connection({Connection::State::refused, reason});
  });
  connect(&calls_, &ServerCalls::not_understood, this,
          [this](const QString& sentence) { Q_EMIT error_reported({}, sentence); });
  events_.start();
}

ServerBackend::~ServerBackend() {
  sender_.stop();
  events_.stop();
  calls_.end();
}

void ServerBackend::submit(std::vector<Submission> submissions) {
  const bool bulk = submissions.size() > max_interactive;
  std::vector<JobRecord> jobs = new_group(std::move(submissions), "submit");
  for (JobRecord& job : jobs) {
    job.place = JobPlace::server;
    job.bulk = bulk;
    job.phase = JobPhase::sending;
  }
  book_.add(std::move(jobs));
  sender_.send_what_waits();
}

void ServerBackend::take_acceptance(const QString& key, const Json& view) {
  apply_server_state(key, view);
  const auto unclaimed = unclaimed_events_.find(text_at(view, "id"));
  if (unclaimed != unclaimed_events_.end()) {
    apply_server_state(key, *unclaimed);
    unclaimed_events_.erase(unclaimed);
  }
}

// What the server tells

void ServerBackend::reconnect() {
  events_.stop();
  set_connection({Connection::State::connecting, {}});
  events_.start();
  sender_.send_what_waits();
}

void ServerBackend::set_connection(Connection connection) {
  if (connection.state != connection_.state || connection.reason != connection_.reason) {
    connection_ = std::move(connection);
    sender_.set_paused(connection_.state == Connection::State::refused);
    Q_EMIT connection_changed(connection_);
  }
}

void ServerBackend::take_events(const std::vector<Json>& events) {
  for (const Json& view : events) {
    try {
      const QString id = text_at(view, "id");
      if (const JobRecord* const job = book_.find_id(id)) {
        apply_server_state(QString(job->key), view);
      } else if (sender_.is_sending() && unclaimed_events_.size() < max_unclaimed_events) {
        unclaimed_events_.insert(id, view);
      }
    } catch (const std::exception& error) {
      Q_EMIT error_reported({}, tr("An event of the server cannot be understood: %1").arg(error.what()));
    }
  }
  if (!sender_.is_sending()) {
    unclaimed_events_.clear();
  }
}

void ServerBackend::ask_for_jobs() {
  // Ids sort by time: what is older than the oldest open job need not be asked for.
  std::string oldest;
  QSet<QString> asked_for;
  for (const JobRecord& job : book_.jobs()) {
    const std::string id = job.id.toStdString();
    if (!id.empty() && !is_over(job.phase)) {
      asked_for.insert(job.id);
      oldest = oldest.empty() ? id : std::min(oldest, id);
    }
  }
  calls_.start(
      ServerCalls::Kind::request,
      [this, oldest, asked_for, client = client_](const std::stop_token& stop) {
        std::vector<Json> views;
        std::string after;
        bool complete = false;
        for (int page = 0; page < max_pages && !complete; ++page) {
          const std::string query = after.empty() ? std::string() : "&after=" + percent_encode(after);
          const Json answer = client->get(fmt::format("/v1/jobs?limit={}{}", jobs_on_a_page, query), stop);
          for (const Json& view : answer.at("jobs")) {
            complete = complete || view.at("id").get<std::string>() < oldest;
            views.push_back(view);
          }
          after = answer.value("next", "");
          complete = complete || after.empty() || oldest.empty();
        }
        calls_.here([this, views = std::move(views), asked = complete ? asked_for : QSet<QString>()] {
          take_list(views, asked);
        });
      },
      [this](const Error& error) {
        if (error.code() != ErrorCode::cancelled) {
          Q_EMIT error_reported({}, tr("The server does not list its jobs: %1").arg(error.what()));
        }
      });
}

void ServerBackend::take_list(const std::vector<Json>& views, const QSet<QString>& asked_for) {
  QSet<QString> listed;
  std::vector<JobRecord> from_elsewhere;  // by the same user
  for (const Json& view : views) {
    const QString id = text_at(view, "id");
    if (const JobRecord* const job = book_.find_id(id)) {
      apply_server_state(QString(job->key), view);
    } else if (!is_over(phase_of(view)) && !sender_.is_sending() && !listed.contains(id)) {
      from_elsewhere.push_back(record_of(view));
    }
    listed.insert(id);
  }
  if (!from_elsewhere.empty()) {
    book_.add(std::move(from_elsewhere));
  }
  for (const QString& id : asked_for) {
    const JobRecord* const missing = book_.find_id(id);
    if (missing == nullptr || is_over(missing->phase) || listed.contains(id)) {
      continue;
    }
    book_.change(QString(missing->key), [](JobRecord& job) {
      job.phase = JobPhase::failed;
      job.failure = tr("The server does not know this job any more. Try again to send it anew.");
      job.id.clear();
      job.object.clear();
    });
  }
}

void ServerBackend::apply_server_state(const QString& key, const Json& view) {
  const JobRecord* const known = book_.find(key);
  if (known == nullptr || (!known->id.isEmpty() && is_stale(*known, view))) {
    return;
  }
  const bool was_done = known->phase == JobPhase::done;
  book_.change(key, [&](JobRecord& job) { apply_view(view, job); });
  if (!was_done && book_.find(key)->phase == JobPhase::done && view.contains("result")) {
    keep_findings(key, view["result"].value("findings", Json::array()));
  }
}

void ServerBackend::keep_findings(const QString& key, const Json& findings) {
  const std::vector<Findings> lists = findings_from_json(findings);
  const std::int64_t found = count_rows(lists);
  if (found == 0) {
    return;
  }
  const QString file = folder_of(key) + "/findings.json";
  calls_.start(
      ServerCalls::Kind::request,
      [this, key, file, lists, found](const std::stop_token&) {
        write_findings(to_path(file), lists);
        calls_.here([this, key, file, found] {
          book_.change(key, [&](JobRecord& job) {
            job.found = found;
            job.findings_file = file;
          });
        });
      },
      [this, key](const Error& error) { Q_EMIT error_reported(key, QString::fromStdString(error.what())); });
}

// What the user wants done

void ServerBackend::cancel(const QStringList& keys) {
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job == nullptr || is_over(job->phase)) {
      continue;
    }
    if (job->id.isEmpty()) {
      sender_.take_back(key);
      book_.change(key, [](JobRecord& waiting) { waiting.phase = JobPhase::cancelled; });
      continue;
    }
    calls_.start(
        ServerCalls::Kind::request,
        [this, key, id = job->id.toStdString(), client = client_](const std::stop_token& stop) {
          Json view;
          try {
            view = client->remove("/v1/jobs/" + percent_encode(id), stop);
          } catch (const Error& error) {
            if (error.code() != ErrorCode::conflict) {
              throw;
            }
            view = client->get("/v1/jobs/" + percent_encode(id), stop);  // it was over before
          }
          calls_.here([this, key, view] { apply_server_state(key, view); });
        },
        [this, key](const Error& error) {
          Q_EMIT error_reported(key, tr("It could not be cancelled: %1").arg(error.what()));
        });
  }
}

void ServerBackend::retry(const QStringList& keys) {
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job == nullptr || (job->phase != JobPhase::failed && job->phase != JobPhase::cancelled)) {
      continue;
    }
    if (job->id.isEmpty()) {
      book_.change(key, [](JobRecord& again) {
        clear_result(again);
        again.phase = JobPhase::sending;
        again.fraction = 0;
        again.object.clear();
        ++again.attempt;
      });
      continue;
    }
    calls_.start(
        ServerCalls::Kind::request,
        [this, key, id = job->id.toStdString(), client = client_](const std::stop_token& stop) {
          const Json view = client->post("/v1/jobs/" + percent_encode(id) + "/retry", {}, {}, stop);
          calls_.here([this, key, view] { apply_server_state(key, view); });
        },
        [this, key](const Error& error) {
          Q_EMIT error_reported(key, tr("It could not be tried again: %1").arg(error.what()));
        });
  }
  sender_.send_what_waits();
}

void ServerBackend::forget(const QStringList& keys) {
  QStringList gone;
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job != nullptr && is_over(job->phase)) {
      QDir(folder_of(key)).removeRecursively();
      gone += key;
    }
  }
  book_.remove(gone);
}

void ServerBackend::fetch_result(const QString& key) {
  const JobRecord* const job = book_.find(key);
  if (job == nullptr || job->phase != JobPhase::done || fetching_.contains(key)) {
    return;
  }
  if (!job->result_file.isEmpty() && QFileInfo::exists(job->result_file)) {
    Q_EMIT result_fetched(key, job->result_file);
    return;
  }
  fetching_.insert(key);
  // A server must not choose where on this computer the file goes.
  QString name = QFileInfo(job->result_name).fileName();
  if (name.isEmpty() || name == "." || name == "..") {
    name = "result";
  }
  calls_.start(
      ServerCalls::Kind::transfer,
      [this, key, id = job->id.toStdString(), folder = folder_of(key), name,
       client = client_](const std::stop_token& stop) {
        if (!QDir().mkpath(folder)) {
          throw Error(ErrorCode::io, fmt::format("Cannot make the folder '{}'.", folder.toStdString()));
        }
        const auto file = client->download(id, to_path(folder), to_path(folder) / to_path(name), stop);
        calls_.here([this, key, path = to_qstring(file)] {
          fetching_.remove(key);
          book_.change(key, [&](JobRecord& fetched) { fetched.result_file = path; });
          Q_EMIT result_fetched(key, path);
        });
      },
      [this, key](const Error& error) {
        fetching_.remove(key);
        Q_EMIT error_reported(key, tr("The result could not be fetched: %1").arg(error.what()));
      });
}

void ServerBackend::mark_saved(const QString& key) {
  book_.change(key, [](JobRecord& job) { job.saved = true; });
}

void ServerBackend::make_link(const QString& key) {
  const JobRecord* const job = book_.find(key);
  if (job == nullptr || job->phase != JobPhase::done) {
    return;
  }
  calls_.start(
      ServerCalls::Kind::request,
      [this, key, id = job->id.toStdString(), client = client_](const std::stop_token& stop) {
        const Json link = client->result_link(id, stop);
        calls_.here([this, key, url = text_at(link, "url"), expires = text_at(link, "expires")] {
          Q_EMIT link_made(key, url, QDateTime::fromString(expires, Qt::ISODateWithMs));
        });
      },
      [this, key](const Error& error) {
        Q_EMIT error_reported(key, tr("There is no link: %1").arg(error.what()));
      });
}

int ServerBackend::jobs_that_need_the_program() const {
  return book_.count_if([](const JobRecord& job) { return job.phase == JobPhase::sending; });
}

}  // namespace tessera::desktop
