// SPDX-License-Identifier: Apache-2.0
#include "desktop/e2e/session_bus.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace tessera::testing {
namespace {

constexpr std::chrono::seconds patience{30};

/// Starts nothing by itself: who has no name on the bus is not there.
constexpr const char* settings = R"(<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
)";

}  // namespace

SessionBus::SessionBus() {
  const auto file = folder_.path() / "bus.conf";
  const auto log = folder_.path() / "bus";
  std::ofstream(file) << settings;
  daemon_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"dbus-daemon", "--config-file=" + file.string(), "--nofork",
                               "--print-address=1"},
      ServerProcess::Environment{}, log);
  // Its address is written once it takes connections.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  while ((text = read_file(log)).find('\n') == std::string::npos) {
    if (!daemon_->running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("dbus-daemon does not come up: " + text);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  address_ = QByteArray::fromStdString(text.substr(0, text.find('\n')));
}

BusService::BusService(const QString& name, const QString& path, QList<QVariant> answer)
    : name_(name), answer_(std::move(answer)) {
  QDBusConnection bus =
      QDBusConnection::connectToBus(qEnvironmentVariable("DBUS_SESSION_BUS_ADDRESS"), name_);
  if (!bus.registerVirtualObject(path, this) || !bus.registerService(name_)) {
    throw std::runtime_error("'" + name_.toStdString() +
                             "' cannot be on the bus: " + bus.lastError().message().toStdString());
  }
}

BusService::~BusService() { QDBusConnection::disconnectFromBus(name_); }

bool BusService::handleMessage(const QDBusMessage& message, const QDBusConnection& connection) {
  calls_ += message;
  connection.send(message.createReply(answer_));
  return true;
}

}  // namespace tessera::testing
