// SPDX-License-Identifier: Apache-2.0
// Tests of the desktop program's edit page, on a screen that nobody sees.
#include <gtest/gtest.h>

#include <QApplication>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <opencv2/core/utility.hpp>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const QTemporaryDir home;
  qputenv("HOME", home.path().toLocal8Bit());
  qputenv("XDG_CONFIG_HOME", (home.path() + "/config").toLocal8Bit());
  qputenv("XDG_RUNTIME_DIR", home.path().toLocal8Bit());
  qputenv("QT_QPA_PLATFORM", "offscreen");
  cv::setNumThreads(1);
  const QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("tessera-tests");
  QCoreApplication::setApplicationName("desktop-edit");
  return RUN_ALL_TESTS();
}
