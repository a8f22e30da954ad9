// SPDX-License-Identifier: Apache-2.0
// Without a screen, and with folders of the user that are the tests' own.
#include <gtest/gtest.h>

#include <QApplication>
#include <QTemporaryDir>

int main(int argc, char** argv) {
  const QTemporaryDir home;
  for (const char* const name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) {
    qputenv(name, (home.path() + '/' + name).toUtf8());
  }
  qputenv("DBUS_SESSION_BUS_ADDRESS", "disabled:");
  if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) {
    qputenv("QT_QPA_PLATFORM", "offscreen");
  }
  testing::InitGoogleTest(&argc, argv);
  const QApplication application(argc, argv);
  QCoreApplication::setOrganizationName("tessera-test");
  QCoreApplication::setApplicationName("desktop-jobs");
  return RUN_ALL_TESTS();
}
