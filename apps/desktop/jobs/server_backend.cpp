#include "jobs/server_backend.hpp"

#include <fmt/format.h>

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <QUrl>
#include <algorithm>

#include "core/error.hpp"
#include "jobs/local_run.hpp"
#include "net/crypto.hpp"
#include "ports/job.hpp"
#include "ports/result_names.hpp"

namespace tessera::desktop {
namespace {

/// So many images at once may be on their way; more would only share the line.
constexpr int transfers_at_once = 3;
constexpr int requests_at_once = 4;
constexpr int try_again_ms = 3000;
constexpr int jobs_on_a_page = 500;
constexpr int most_pages = 20;
/// More than these give way to what somebody is waiting for.
constexpr std::size_t most_interactive = 20;
constexpr int most_strangers = 2000;

JobPhase phase_of(const Json& view) {
  switch (parse_job_state(view.at("state").get<std::string>())) {
    case JobState::queued:
      return JobPhase::queued;
    case JobState::running:
      return JobPhase::running;
    case JobState::storing:
      return JobPhase::storing;
    case JobState::done:
      return JobPhase::done;
    case JobState::failed:
      return JobPhase::failed;
    case JobState::cancelled:
      return JobPhase::cancelled;
  }
  return JobPhase::queued;
}

QString text_at(const Json& json, const char* name) { return QString::fromStdString(json.value(name, "")); }

/// Whether the view is of an earlier time than what is known already.
bool is_stale(const JobRecord& job, const Json& view) {
  const int generation = view.at("generation");
  if (generation != job.generation) {
    return generation < job.generation;
  }
  const QString updated = text_at(view, "updated");
  return updated < job.updated || (updated == job.updated && phase_of(view) < job.phase);
}

void clear_result(JobRecord& job) {
  job.failure.clear();
  job.result_file.clear();
  job.findings_file.clear();
  job.found = 0;
  job.saved = false;
}

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
      client_(std::make_shared<Client>(options.client)) {
  requests_.setMaxThreadCount(requests_at_once);
  transfers_.setMaxThreadCount(transfers_at_once);
  try_again_.setInterval(try_again_ms);
  try_again_.setSingleShot(true);
  connect(&try_again_, &QTimer::timeout, this, &ServerBackend::send_what_waits);
  tell_of(book_);
  follow();
}

ServerBackend::~ServerBackend() {
  ending_.request_stop();
  for (std::stop_source& stop : sending_) {
    stop.request_stop();
  }
  requests_.clear();
  transfers_.clear();
  stop_following();
  requests_.waitForDone();
  transfers_.waitForDone();
}

void ServerBackend::here(std::function<void()> work) {
  QMetaObject::invokeMethod(this, std::move(work), Qt::QueuedConnection);
}

void ServerBackend::start(Pool pool, std::function<void(const std::stop_token& stop)> work,
                          std::function<void(const Error& error)> failed, std::stop_token stop) {
  QThreadPool& threads = pool == Pool::requests ? requests_ : transfers_;
  if (!stop.stop_possible()) {
    stop = ending_.get_token();
  }
  threads.start([this, work = std::move(work), failed = std::move(failed), stop = std::move(stop)] {
    if (stop.stop_requested()) {
      return;
    }
    try {
      work(stop);
    } catch (const Error& error) {
      here([failed, error] { failed(error); });
    } catch (const std::exception& error) {
      const Error unexpected(ErrorCode::unavailable,
                             fmt::format("The server's answer cannot be understood: {}", error.what()));
      here([failed, unexpected] { failed(unexpected); });
    }
  });
}

// Sending

void ServerBackend::submit(std::vector<Submission> submissions) {
  std::vector<JobRecord> jobs;
  const QString group = QString::fromStdString(new_id("group", system_now()));
  const bool bulk = submissions.size() > most_interactive;
  for (Submission& submission : submissions) {
    JobRecord job;
    job.key = QString::fromStdString(new_id("submit", system_now()));
    job.group = group;
    job.place = JobPlace::server;
    job.name = to_qstring(submission.file.filename());
    job.file = to_qstring(std::filesystem::absolute(submission.file));
    job.pipeline = std::move(submission.pipeline);
    job.pipeline_text = QString::fromStdString(to_text(job.pipeline));
    job.output = submission.output.is_object() ? std::move(submission.output) : Json::object();
    job.bulk = bulk;
    job.submitted = QDateTime::currentDateTimeUtc();
    job.phase = JobPhase::sending;
    jobs.push_back(std::move(job));
  }
  book_.add(std::move(jobs));
  send_what_waits();
}

void ServerBackend::send_what_waits() {
  if (connection_.state == Connection::State::refused) {
    return;
  }
  QStringList keys;
  for (const JobRecord& job : book_.jobs()) {
    if (job.phase == JobPhase::sending && !sending_.contains(job.key)) {
      keys += job.key;
    }
  }
  for (const QString& key : keys) {
    send(key);
  }
}

void ServerBackend::send(const QString& key) {
  std::stop_source stop;
  sending_[key] = stop;
  if (book_.find(key)->object.isEmpty()) {
    send_image(key, stop);
  } else {
    send_job(key, stop);
  }
}

void ServerBackend::send_image(const QString& key, const std::stop_source& stop) {
  const QString file = book_.find(key)->file;
  start(
      Pool::transfers,
      [this, key, file, stop, client = client_](const std::stop_token& token) {
        auto last = std::chrono::steady_clock::time_point();
        const auto progress = [&](double fraction) {
          const auto now = std::chrono::steady_clock::now();
          if (now - last >= std::chrono::milliseconds(50)) {
            last = now;
            here([this, key, fraction] {
              book_.change(key, [&](JobRecord& job) {
                if (job.phase == JobPhase::sending) {
                  job.fraction = fraction;
                  job.detail.clear();
                }
              });
            });
          }
        };
        const QString object = QString::fromStdString(client->upload(to_path(file), progress, token));
        here([this, key, object, stop] {
          if (!sending_.contains(key) || stop.stop_requested()) {
            return;
          }
          book_.change(key, [&](JobRecord& job) { job.object = object; });
          send_job(key, stop);
        });
      },
      [this, key, stop](const Error& error) { sending_failed(key, stop, error); }, stop.get_token());
}

void ServerBackend::send_job(const QString& key, const std::stop_source& stop) {
  const JobRecord& job = *book_.find(key);
  const Json request{{"object", job.object.toStdString()},
                     {"name", job.name.toStdString()},
                     {"pipeline", tessera::to_json(job.pipeline)},
                     {"output", job.output},
                     {"priority", job.bulk ? "bulk" : "interactive"}};
  // The key lets the request be sent again when its answer was lost, without making the job twice. It is not
  // broken off when the user cancels: the job might have been accepted, and nobody would know.
  start(
      Pool::requests,
      [this, key, request, stop, client = client_,
       once = fmt::format("{}.{}", key.toStdString(), job.attempt)](const std::stop_token& token) {
        const Json batch = client->post("/v1/jobs", request, once, token);
        const Json view = batch.at("jobs").at(0);
        here([this, key, view, stop] {
          if (const auto current = sending_.constFind(key);
              current != sending_.constEnd() && *current == stop) {
            sending_.erase(current);
          }
          take_view(key, view);
          const auto stranger = strangers_.find(text_at(view, "id"));
          if (stranger != strangers_.end()) {
            take_view(key, *stranger);
            strangers_.erase(stranger);
          }
          if (stop.stop_requested()) {  // cancelled too late to keep it from being accepted
            cancel({key});
          }
        });
      },
      [this, key, stop](const Error& error) { sending_failed(key, stop, error); });
}

void ServerBackend::sending_failed(const QString& key, const std::stop_source& stop, const Error& error) {
  const auto current = sending_.constFind(key);
  if (current == sending_.constEnd() || *current != stop) {
    return;  // cancelled, or begun anew meanwhile
  }
  sending_.erase(current);
  const QString sentence = QString::fromStdString(error.what());
  if (error.code() == ErrorCode::cancelled) {
    return;
  }
  const bool waits = error.code() == ErrorCode::unavailable || error.code() == ErrorCode::busy ||
                     error.code() == ErrorCode::unauthorized;
  book_.change(key, [&](JobRecord& job) {
    job.fraction = 0;
    if (waits) {
      job.detail = sentence;
    } else {
      job.phase = JobPhase::failed;
      job.failure = sentence;
    }
  });
  if (waits) {
    try_again_.start();
  }
}

// What the server tells

void ServerBackend::follow() {
  following_ = std::stop_source();
  follower_ = std::jthread([this, client = client_, stop = following_.get_token()] {
    FollowOptions options;
    options.longest_absence = std::chrono::hours(24 * 365);
    options.on_connection = [this](bool connected, const std::string& reason) {
      here([this, connected, sentence = QString::fromStdString(reason)] {
        if (connected) {
          set_connection({Connection::State::connected, {}});
          ask_for_jobs();
          send_what_waits();
        } else {
          set_connection({Connection::State::lost, sentence});
        }
      });
    };
    try {
      client->follow(
          "",
          [this](const std::string&, const Json& job) {
            const std::scoped_lock lock(mutex_);
            events_.push_back(job);
            if (events_.size() == 1) {
              here([this] { take_events(); });
            }
            return true;
          },
          stop, options);
    } catch (const std::exception& error) {
      if (!stop.stop_requested()) {
        here([this, sentence = QString::fromStdString(error.what())] {
          set_connection({Connection::State::refused, sentence});
        });
      }
    }
  });
}

void ServerBackend::stop_following() {
  following_.request_stop();
  if (follower_.joinable()) {
    follower_.join();
  }
}

void ServerBackend::reconnect() {
  stop_following();
  set_connection({Connection::State::connecting, {}});
  follow();
  send_what_waits();
}

void ServerBackend::set_connection(Connection connection) {
  if (connection.state != connection_.state || connection.reason != connection_.reason) {
    connection_ = std::move(connection);
    Q_EMIT connection_changed(connection_);
  }
}

void ServerBackend::take_events() {
  std::vector<Json> events;
  {
    const std::scoped_lock lock(mutex_);
    events.swap(events_);
  }
  for (const Json& view : events) {
    try {
      const QString id = text_at(view, "id");
      if (const JobRecord* const job = book_.find_id(id)) {
        take_view(QString(job->key), view);
      } else if (!sending_.isEmpty() && strangers_.size() < most_strangers) {
        strangers_.insert(id, view);
      }
    } catch (const std::exception& error) {
      Q_EMIT trouble({}, tr("An event of the server cannot be understood: %1").arg(error.what()));
    }
  }
  if (sending_.isEmpty()) {
    strangers_.clear();
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
  start(
      Pool::requests,
      [this, oldest, asked_for, client = client_](const std::stop_token& stop) {
        std::vector<Json> views;
        std::string after;
        bool complete = false;
        for (int page = 0; page < most_pages && !complete; ++page) {
          const std::string query = after.empty() ? std::string() : "&after=" + percent_encode(after);
          const Json answer = client->get(fmt::format("/v1/jobs?limit={}{}", jobs_on_a_page, query), stop);
          for (const Json& view : answer.at("jobs")) {
            complete = complete || view.at("id").get<std::string>() < oldest;
            views.push_back(view);
          }
          after = answer.value("next", "");
          complete = complete || after.empty() || oldest.empty();
        }
        here([this, views = std::move(views), asked = complete ? asked_for : QSet<QString>()] {
          take_list(views, asked);
        });
      },
      [this](const Error& error) {
        if (error.code() != ErrorCode::cancelled) {
          Q_EMIT trouble({}, tr("The server does not list its jobs: %1").arg(error.what()));
        }
      });
}

void ServerBackend::take_list(const std::vector<Json>& views, const QSet<QString>& asked_for) {
  QSet<QString> listed;
  for (const Json& view : views) {
    const QString id = text_at(view, "id");
    listed.insert(id);
    if (const JobRecord* const job = book_.find_id(id)) {
      take_view(QString(job->key), view);
    } else if (!is_over(phase_of(view)) && sending_.isEmpty()) {
      adopt(view);
    }
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

void ServerBackend::take_view(const QString& key, const Json& view) {
  const JobRecord* const known = book_.find(key);
  if (known == nullptr || (!known->id.isEmpty() && is_stale(*known, view))) {
    return;
  }
  const JobPhase phase = phase_of(view);
  const bool ended_now = phase == JobPhase::done && known->phase != JobPhase::done;
  book_.change(key, [&](JobRecord& job) {
    const int generation = view.at("generation");
    if (generation != job.generation) {
      clear_result(job);
    }
    job.id = text_at(view, "id");
    job.generation = generation;
    job.updated = text_at(view, "updated");
    job.phase = phase;
    job.fraction = phase == JobPhase::done ? 1 : view.value("fraction", 0.0);
    job.detail = text_at(view, "stage");
    job.failure.clear();
    if (const auto failure = view.find("failure"); failure != view.end() && failure->is_object()) {
      job.failure = text_at(*failure, "sentence");
    }
    if (const auto result = view.find("result"); result != view.end() && result->is_object()) {
      job.result_name = text_at(*result, "file_name");
      job.result_bytes = result->value("size_bytes", std::int64_t{0});
      job.result_size = {result->value("width_px", 0), result->value("height_px", 0)};
    }
  });
  if (ended_now && view.contains("result")) {
    keep_findings(key, view["result"].value("findings", Json::array()));
  }
}

void ServerBackend::keep_findings(const QString& key, const Json& findings) {
  const FindingsLists lists = findings_from(findings);
  int found = 0;
  for (const FindingsList& list : lists) {
    found += list.rows();
  }
  if (found == 0) {
    return;
  }
  const QString file = folder_of(key) + "/findings.json";
  start(
      Pool::requests,
      [this, key, file, lists, found](const std::stop_token&) {
        write_findings(to_path(file), lists);
        here([this, key, file, found] {
          book_.change(key, [&](JobRecord& job) {
            job.found = found;
            job.findings_file = file;
          });
        });
      },
      [this, key](const Error& error) { Q_EMIT trouble(key, QString::fromStdString(error.what())); });
}

/// A job that the same user has sent from elsewhere.
void ServerBackend::adopt(const Json& view) {
  JobRecord job;
  const Json& request = view.at("request");
  job.key = text_at(view, "id");
  job.group = text_at(view, "batch");
  job.place = JobPlace::server;
  job.name = text_at(request, "name");
  job.output = request.value("output", Json::object());
  job.submitted = QDateTime::fromString(text_at(view, "created"), Qt::ISODateWithMs);
  try {
    job.pipeline = parse_pipeline(request.at("pipeline").dump());
    job.pipeline_text = QString::fromStdString(to_text(job.pipeline));
  } catch (const Error&) {
    job.pipeline_text = tr("Operators that this version of Tessera does not know");
  }
  std::vector<JobRecord> one;
  one.push_back(job);
  book_.add(std::move(one));
  take_view(job.key, view);
}

// What the user wants done

void ServerBackend::cancel(const QStringList& keys) {
  for (const QString& key : keys) {
    const JobRecord* const job = book_.find(key);
    if (job == nullptr || is_over(job->phase)) {
      continue;
    }
    if (job->id.isEmpty()) {
      if (const auto stop = sending_.find(key); stop != sending_.end()) {
        stop->request_stop();
        sending_.erase(stop);
      }
      book_.change(key, [](JobRecord& waiting) { waiting.phase = JobPhase::cancelled; });
      continue;
    }
    start(
        Pool::requests,
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
          here([this, key, view] { take_view(key, view); });
        },
        [this, key](const Error& error) {
          Q_EMIT trouble(key, tr("It could not be cancelled: %1").arg(error.what()));
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
    start(
        Pool::requests,
        [this, key, id = job->id.toStdString(), client = client_](const std::stop_token& stop) {
          const Json view = client->post("/v1/jobs/" + percent_encode(id) + "/retry", {}, {}, stop);
          here([this, key, view] { take_view(key, view); });
        },
        [this, key](const Error& error) {
          Q_EMIT trouble(key, tr("It could not be tried again: %1").arg(error.what()));
        });
  }
  send_what_waits();
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
  start(
      Pool::transfers,
      [this, key, id = job->id.toStdString(), folder = folder_of(key), name,
       client = client_](const std::stop_token& stop) {
        if (!QDir().mkpath(folder)) {
          throw Error(ErrorCode::io, fmt::format("Cannot make the folder '{}'.", folder.toStdString()));
        }
        const auto file = client->download(id, to_path(folder), to_path(folder) / to_path(name), stop);
        here([this, key, path = to_qstring(file)] {
          fetching_.remove(key);
          book_.change(key, [&](JobRecord& fetched) { fetched.result_file = path; });
          Q_EMIT result_fetched(key, path);
        });
      },
      [this, key](const Error& error) {
        fetching_.remove(key);
        Q_EMIT trouble(key, tr("The result could not be fetched: %1").arg(error.what()));
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
  start(
      Pool::requests,
      [this, key, id = job->id.toStdString(), client = client_](const std::stop_token& stop) {
        const Json link = client->result_link(id, stop);
        here([this, key, url = text_at(link, "url"), expires = text_at(link, "expires")] {
          Q_EMIT link_made(key, url, QDateTime::fromString(expires, Qt::ISODateWithMs));
        });
      },
      [this, key](const Error& error) { Q_EMIT trouble(key, tr("There is no link: %1").arg(error.what())); });
}

int ServerBackend::jobs_that_need_the_program() const {
  return book_.count_if([](const JobRecord& job) { return job.phase == JobPhase::sending; });
}

}  // namespace tessera::desktop
