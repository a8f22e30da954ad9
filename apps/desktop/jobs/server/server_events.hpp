// SPDX-License-Identifier: Apache-2.0
// The stream of a server's events, followed on a thread of its own.
#pragma once

#include <QObject>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "client/client.hpp"

namespace tessera::desktop {

/// All signals come on this object's thread. While the server is away it tries again and again, from where
/// the stream broke off.
class ServerEvents : public QObject {
  Q_OBJECT

 public:
  explicit ServerEvents(std::shared_ptr<Client> client, QObject* parent = nullptr);
  ~ServerEvents() override { stop(); }

  void start();
  /// Waits for the thread. What has come already may still be told.
  void stop();

 Q_SIGNALS:
  /// The stream is open, perhaps again: what happened before may have been missed.
  void connected();
  /// It broke off, and is tried again.
  void lost(const QString& reason);
  /// It cannot be had, and is not tried again until start().
  void refused(const QString& reason);
  /// Jobs as they were when something happened to them, in that order.
  void came(const std::vector<tessera::Json>& jobs);

 private:
  void run(const std::stop_token& stop);
  void take();
  void here(std::function<void()> work);

  std::shared_ptr<Client> client_;
  std::mutex mutex_;
  std::vector<Json> waiting_;  ///< guarded by mutex_: come, but not told yet
  std::jthread thread_;
};

}  // namespace tessera::desktop
