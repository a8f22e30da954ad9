// SPDX-License-Identifier: Apache-2.0
#include "widgets/desktop_services.hpp"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDesktopServices>
#include <QFileInfo>
#include <QStyle>
#include <QSystemTrayIcon>
#include <QTimer>
#include <QUrl>
#include <QVariantMap>
#include <functional>

namespace tessera::desktop {
namespace {

constexpr int answer_timeout_ms = 3000;
constexpr int tray_message_ms = 10'000;

/// Calls, and if nobody answers does `instead`.
void call_or(const QDBusMessage& message, QObject* context, const std::function<void()>& instead) {
  const QDBusConnection bus = QDBusConnection::sessionBus();
  if (!bus.isConnected()) {
    instead();
    return;
  }
  auto* const watcher = new QDBusPendingCallWatcher(bus.asyncCall(message, answer_timeout_ms), context);
  QObject::connect(watcher, &QDBusPendingCallWatcher::finished, context,
                   [instead](QDBusPendingCallWatcher* call) {
                     if (call->isError()) {
                       instead();
                     }
                     call->deleteLater();
                   });
}

void notify_by_tray(const QString& title, const QString& text, QWidget* window) {
  if (!QSystemTrayIcon::isSystemTrayAvailable() || !QSystemTrayIcon::supportsMessages()) {
    QApplication::alert(window);
    return;
  }
  const QIcon icon = QApplication::windowIcon().isNull()
                         ? QApplication::style()->standardIcon(QStyle::SP_DialogApplyButton)
                         : QApplication::windowIcon();
  auto* const tray = new QSystemTrayIcon(icon, window);
  tray->show();
  tray->showMessage(title, text, icon, tray_message_ms);
  QTimer::singleShot(tray_message_ms, tray, &QObject::deleteLater);
}

}  // namespace

void notify(const QString& title, const QString& text, QWidget* window) {
  QDBusMessage message =
      QDBusMessage::createMethodCall("org.freedesktop.Notifications", "/org/freedesktop/Notifications",
                                     "org.freedesktop.Notifications", "Notify");
  message << QGuiApplication::applicationDisplayName() << 0U << QStringLiteral("tessera-desktop") << title
          << text.toHtmlEscaped() << QStringList() << QVariantMap() << -1;
  call_or(message, window, [title, text, window] { notify_by_tray(title, text, window); });
}

void reveal(const QString& file) {
  QDBusMessage message =
      QDBusMessage::createMethodCall("org.freedesktop.FileManager1", "/org/freedesktop/FileManager1",
                                     "org.freedesktop.FileManager1", "ShowItems");
  message << QStringList{QUrl::fromLocalFile(file).toString()} << QString();
  call_or(message, qApp,
          [file] { QDesktopServices::openUrl(QUrl::fromLocalFile(QFileInfo(file).absolutePath())); });
}

}  // namespace tessera::desktop
