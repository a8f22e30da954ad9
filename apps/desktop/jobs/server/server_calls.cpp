// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_calls.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace tessera::desktop {
namespace {

/// So many images at once may be on their way; more would only share the line.
constexpr int transfers_at_once = 3;
constexpr int requests_at_once = 4;

}  // namespace

ServerCalls::ServerCalls(QObject* parent) : QObject(parent) {
  requests_.setMaxThreadCount(requests_at_once);
  transfers_.setMaxThreadCount(transfers_at_once);
}

void ServerCalls::end() {
  ending_.request_stop();
  requests_.clear();
  transfers_.clear();
  requests_.waitForDone();
  transfers_.waitForDone();
}

void ServerCalls::here(std::function<void()> work) {
  const auto guarded = [this, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& error) {
      Q_EMIT not_understood(tr("The server's answer cannot be understood: %1").arg(error.what()));
    }
  };
  QMetaObject::invokeMethod(this, guarded, Qt::QueuedConnection);
}

void ServerCalls::start(Kind kind, Work work, Failed failed, std::stop_token stop) {
  QThreadPool& threads = kind == Kind::request ? requests_ : transfers_;
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

}  // namespace tessera::desktop
