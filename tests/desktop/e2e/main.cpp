// SPDX-License-Identifier: Apache-2.0
// The real window on a real (virtual) screen, with a session bus and folders of the user that are
// the test's own.
#include <gtest/gtest.h>

#include <QApplication>
#include <QTemporaryDir>
#include <cstring>
#include <memory>
#include <opencv2/core/utility.hpp>

#include "desktop/e2e/screen.hpp"
#include "desktop/e2e/session_bus.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const QTemporaryDir home;
  qputenv("HOME", home.path().toUtf8());
  for (const char* const name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"}) {
    qputenv(name, home.path().toUtf8() + '/' + name);
  }
  if (GTEST_FLAG_GET(list_tests)) {
    return RUN_ALL_TESTS();
  }
  const tessera::testing::SessionBus bus;
  qputenv("DBUS_SESSION_BUS_ADDRESS", bus.address());
  const tessera::testing::Screen screen;
  qputenv("DISPLAY", QByteArray::fromStdString(screen.display()));
  qputenv("QT_QPA_PLATFORM", "xcb");
  cv::setNumThreads(1);
  const QApplication application(argc, argv);
  QCoreApplication::setOrganizationName("tessera");
  QCoreApplication::setApplicationName("tessera-desktop");
  QGuiApplication::setApplicationDisplayName("Tessera");
  return RUN_ALL_TESTS();
}
