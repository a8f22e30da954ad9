// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/job_sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tessera::desktop {
namespace {

constexpr int try_again_ms = 3000;
constexpr std::chrono::milliseconds between_progress{50};

/// Whether the same may go well some time later.
bool is_transient(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::busy || code == ErrorCode::unauthorized;
}

}  // namespace

JobSender::JobSender(JobRepository& book, ServerCalls& calls, std::shared_ptr<Client> client, QObject* parent)
    : QObject(parent), book_(book), calls_(calls), client_(std::move(client)) {
  try_again_.setInterval(try_again_ms);
  try_again_.setSingleShot(true);
  connect(&try_again_, &QTimer::timeout, this, &JobSender::send_what_waits);
}

void JobSender::stop() {
  for (std::stop_source& stop : sending_) {
    stop.request_stop();
  }
}

void JobSender::send_what_waits() {
  if (paused_) {
    return;
  }
  QStringList keys;
  for (const JobRecord& job : book_.jobs()) {
    if (job.phase == JobPhase::sending && !sending_.contains(job.key)) {
      keys += job.key;
    }
  }
  for (const QString& key : keys) {
    const std::stop_source stop;
    sending_[key] = stop;
    if (book_.find(key)->object.isEmpty()) {
      send_image(key, stop);
    } else {
      send_job(key, stop);
    }
  }
}

void JobSender::take_back(const QString& key) {
  if (const auto stop = sending_.find(key); stop != sending_.end()) {
    stop->request_stop();
    sending_.erase(stop);
  }
}

void JobSender::show_progress(const QString& key, double fraction) {
  book_.change(key, [&](JobRecord& job) {
    if (job.phase == JobPhase::sending) {
      job.fraction = fraction;
      job.detail.clear();
    }
  });
}

void JobSender::send_image(const QString& key, const std::stop_source& stop) {
  const QString file = book_.find(key)->file;
  calls_.start(
      ServerCalls::Kind::transfer,
      [this, key, file, stop, client = client_](const std::stop_token& token) {
        auto last = std::chrono::steady_clock::time_point();
        const auto progress = [&](double fraction) {
          const auto now = std::chrono::steady_clock::now();
          if (now - last >= between_progress) {
            last = now;
            calls_.here([this, key, fraction] { show_progress(key, fraction); });
          }
        };
        const QString object = QString::fromStdString(client->upload(to_path(file), progress, token));
        calls_.here([this, key, object, stop] {
          if (!sending_.contains(key) || stop.stop_requested()) {
            return;
          }
          book_.change(key, [&](JobRecord& job) { job.object = object; });
          send_job(key, stop);
        });
      },
      [this, key, stop](const Error& error) { failed(key, stop, error); }, stop.get_token());
}

void JobSender::send_job(const QString& key, const std::stop_source& stop) {
  const JobRecord& job = *book_.find(key);
  const Json request{{"object", job.object.toStdString()},
                     {"name", job.name.toStdString()},
                     {"pipeline", tessera::to_json(job.pipeline)},
                     {"output", job.output},
                     {"priority", job.bulk ? "bulk" : "interactive"}};
  // The key lets the request be sent again when its answer was lost, without making the job twice. It is not
  // broken off when the user cancels: the job might have been accepted, and nobody would know.
  calls_.start(
      ServerCalls::Kind::request,
      [this, key, request, stop, client = client_,
       once = fmt::format("{}.{}", key.toStdString(), job.attempt)](const std::stop_token& token) {
        const Json batch = client->post("/v1/jobs", request, once, token);
        calls_.here([this, key, view = batch.at("jobs").at(0), stop] {
          if (const auto current = sending_.constFind(key);
              current != sending_.constEnd() && *current == stop) {
            sending_.erase(current);
          }
          Q_EMIT accepted(key, view);
          if (stop.stop_requested()) {
            Q_EMIT accepted_too_late(key);
          }
        });
      },
      [this, key, stop](const Error& error) { failed(key, stop, error); });
}

void JobSender::failed(const QString& key, const std::stop_source& stop, const Error& error) {
  const auto current = sending_.constFind(key);
  if (current == sending_.constEnd() || *current != stop) {
    return;  // cancelled, or begun anew meanwhile
  }
  sending_.erase(current);
  if (error.code() == ErrorCode::cancelled) {
    return;
  }
  const bool waits = is_transient(error.code());
  const QString sentence = QString::fromStdString(error.what());
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

}  // namespace tessera::desktop
