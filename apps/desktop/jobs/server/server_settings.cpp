// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_settings.hpp"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSaveFile>
#include <QSettings>
#include <QStandardPaths>
#include <QUrl>

namespace tessera::desktop {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("ServerSettings", text); }

bool is_this_computer(const QString& host) {
  return host == "localhost" || host == "::1" || host.startsWith("127.");
}

}  // namespace

QString normalised_address(const QString& typed) {
  QString address = typed.trimmed();
  if (address.isEmpty()) {
    return address;
  }
  if (!address.contains("://")) {
    const bool here = is_this_computer(QUrl("http://" + address).host());
    address = (here ? "http://" : "https://") + address;
  }
  while (address.endsWith('/')) {
    address.chop(1);
  }
  return address;
}

std::optional<QString> problem_with(const ServerSettings& settings) {
  const QUrl url(settings.address, QUrl::StrictMode);
  if (settings.address.isEmpty()) {
    return tr("Give the address of the server, such as https://tessera.example.org.");
  }
  if (!url.isValid() || url.host().isEmpty() || (url.scheme() != "http" && url.scheme() != "https")) {
    return tr("'%1' is no address of a server; write it like https://tessera.example.org.")
        .arg(settings.address);
  }
  if (settings.token.contains(QChar::Space) || settings.token.contains('\n')) {
    return tr("The token has a space or a line break in it: copy it once more.");
  }
  if (!settings.ca_file.isEmpty() && !QFileInfo(settings.ca_file).isReadable()) {
    return tr("The file of certificates '%1' cannot be read.").arg(settings.ca_file);
  }
  return std::nullopt;
}

std::optional<QString> warning_about(const ServerSettings& settings) {
  const QUrl url(settings.address);
  if (!settings.token.isEmpty() && url.scheme() == "http" && !is_this_computer(url.host())) {
    return tr("The token and your images would travel unencrypted: use https:// if the server has it.");
  }
  return std::nullopt;
}

ClientOptions client_options(const ServerSettings& settings) {
  return {settings.address.toStdString(), settings.token.toStdString(),
          QFile::encodeName(settings.ca_file).toStdString()};
}

QString token_file() {
  return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + "/server-token";
}

ServerSettings load_server_settings() {
  const QSettings stored;
  ServerSettings settings{
      stored.value("server/address").toString(), {}, stored.value("server/ca_file").toString()};
  QFile file(token_file());
  if (file.open(QIODevice::ReadOnly)) {
    settings.token = QString::fromUtf8(file.readAll()).trimmed();
  }
  return settings;
}

std::optional<QString> save_server_settings(const ServerSettings& settings) {
  QSettings stored;
  stored.setValue("server/address", settings.address);
  stored.setValue("server/ca_file", settings.ca_file);
  stored.sync();
  if (stored.status() != QSettings::NoError) {
    return tr("The settings cannot be written to '%1'.").arg(stored.fileName());
  }
  if (settings.token.isEmpty()) {
    QFile::remove(token_file());
    return std::nullopt;
  }
  QDir().mkpath(QFileInfo(token_file()).path());
  QSaveFile file(token_file());
  // Nobody else may read it, not even while it is being written: a QSaveFile begins as 0600.
  if (!file.open(QIODevice::WriteOnly) ||
      !file.setPermissions(QFileDevice::ReadOwner | QFileDevice::WriteOwner) ||
      file.write(settings.token.toUtf8()) < 0 || !file.commit()) {
    return tr("The token cannot be kept in '%1': %2.").arg(token_file(), file.errorString());
  }
  return std::nullopt;
}

}  // namespace tessera::desktop
