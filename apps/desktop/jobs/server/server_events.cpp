// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_events.hpp"

#include <utility>

namespace tessera::desktop {

ServerEvents::ServerEvents(std::shared_ptr<Client> client, QObject* parent)
    : QObject(parent), client_(std::move(client)) {}

void ServerEvents::start() {
  stop();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void ServerEvents::stop() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ServerEvents::here(std::function<void()> work) {
  QMetaObject::invokeMethod(this, std::move(work), Qt::QueuedConnection);
}

void ServerEvents::run(const std::stop_token& stop) {
  FollowOptions options;
  options.reconnect_timeout = std::chrono::hours(24 * 365);
  options.on_connection = [this](bool is_there, const std::string& reason) {
    here([this, is_there, sentence = QString::fromStdString(reason)] {
      if (is_there) {
        Q_EMIT connected();
      } else {
        Q_EMIT lost(sentence);
      }
    });
  };
  const auto keep = [this](const std::string&, const Json& job) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(job);
    if (waiting_.size() == 1) {
      here([this] { take(); });
    }
    return true;
  };
  try {
    client_->follow("", keep, stop, options);
  } catch (const std::exception& error) {
    if (!stop.stop_requested()) {
      here([this, sentence = QString::fromStdString(error.what())] { Q_EMIT refused(sentence); });
    }
  }
}

void ServerEvents::take() {
  std::vector<Json> jobs;
  {
    const std::scoped_lock lock(mutex_);
    jobs.swap(waiting_);
  }
  Q_EMIT came(jobs);
}

}  // namespace tessera::desktop
