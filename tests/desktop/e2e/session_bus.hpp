// SPDX-License-Identifier: Apache-2.0
// A session bus of the test's own, and what a desktop has on it.
#pragma once

#include <QByteArray>
#include <QDBusConnection>
#include <QDBusError>
#include <QDBusMessage>
#include <QDBusVirtualObject>
#include <QList>
#include <memory>

#include "servers/server_process.hpp"

namespace tessera::testing {

class SessionBus {
 public:
  /// Starts dbus-daemon. Throws std::runtime_error if it does not come up.
  SessionBus();
  [[nodiscard]] const QByteArray& address() const { return address_; }

 private:
  ServerFolder folder_;
  QByteArray address_;
  std::unique_ptr<ServerProcess> daemon_;
};

/// Owns a name of the bus, and keeps what is called there; the answer is always the same.
class BusService final : public QDBusVirtualObject {
 public:
  /// On a connection of its own to the session bus. `path` is of the object that is called.
  BusService(const QString& name, const QString& path, QList<QVariant> answer);
  ~BusService() override;
  [[nodiscard]] const QList<QDBusMessage>& calls() const { return calls_; }

  bool handleMessage(const QDBusMessage& message, const QDBusConnection& connection) override;
  [[nodiscard]] QString introspect(const QString& /*path*/) const override { return {}; }

 private:
  QString name_;
  QList<QVariant> answer_;
  QList<QDBusMessage> calls_;
};

}  // namespace tessera::testing
