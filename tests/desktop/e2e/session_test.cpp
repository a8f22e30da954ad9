// SPDX-License-Identifier: Apache-2.0
// What the window asks of the desktop around it, over a real session bus.
#include <gtest/gtest.h>

#include <QListView>
#include <QTabWidget>
#include <QToolButton>
#include <QUrl>
#include <fstream>

#include "desktop/e2e/session_bus.hpp"
#include "desktop/e2e/user.hpp"
#include "jobs/jobs_panel.hpp"
#include "service/service_process.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {
namespace {

using desktop::JobPhase;

class DesktopSession : public ::testing::Test {
 protected:
  DesktopSession() {
    begin_anew();
    window = open_window();
  }
  void process(const std::vector<std::filesystem::path>& files, bool while_elsewhere) {
    drop(window.get(), files);
    window->edit_page()->pipelines().shared().replace(parse_pipeline("crop x=50 y=50 width=20 height=20"),
                                                      "Test");
    QPushButton* const button = button_with(window->edit_page(), "Process");
    ASSERT_TRUE(comes_true([&] { return button->isEnabled(); }));
    if (while_elsewhere) {
      look_elsewhere();
    }
    click(button);
  }
  /// Somebody works with another window.
  void look_elsewhere() {
    elsewhere.show();
    // The window manager may pass over the first wish of a window that has just come up.
    ASSERT_TRUE(comes_true([&] {
      elsewhere.activateWindow();
      return elsewhere.isActiveWindow();
    }));
  }

  BusService notifications{"org.freedesktop.Notifications", "/org/freedesktop/Notifications", {1U}};
  BusService file_manager{"org.freedesktop.FileManager1", "/org/freedesktop/FileManager1", {}};
  std::unique_ptr<desktop::MainWindow> window;
  QWidget elsewhere;
};

TEST_F(DesktopSession, IsToldWhenABatchHasEnded) {
  const ServerFolder folder;
  std::vector<std::filesystem::path> files = photographs(2);
  files.push_back(folder.path() / "too-small.pgm");
  std::ofstream(files.back(), std::ios::binary) << "P5\n2 2\n255\nabcd";
  process(files, true);
  ASSERT_TRUE(comes_true([&] { return !notifications.calls().isEmpty(); }));
  const QDBusMessage call = notifications.calls().front();
  EXPECT_EQ(call.interface(), "org.freedesktop.Notifications");
  EXPECT_EQ(call.member(), "Notify");
  EXPECT_EQ(call.signature(), "susssasa{sv}i");
  EXPECT_EQ(call.arguments().at(0).toString().toStdString(), "Tessera");
  EXPECT_EQ(call.arguments().at(3).toString().toStdString(), "Finished, but not everything worked");
  EXPECT_EQ(call.arguments().at(4).toString().toStdString(), "2 images are done, 1 failed.");
  EXPECT_EQ(notifications.calls().size(), 1);
}

TEST_F(DesktopSession, ShowsAResultInItsFolder) {
  process(photographs(1), false);
  const auto* const jobs = named<QListView>("Jobs");
  ASSERT_TRUE(comes_true([&] { return count(*jobs->model(), JobPhase::done) == 1; }));
  // Who looks at the window needs no message.
  EXPECT_TRUE(notifications.calls().isEmpty());
  click(button_with<QToolButton>(window.get(), "Show in folder"));
  ASSERT_TRUE(comes_true([&] { return !file_manager.calls().isEmpty(); }));
  const QDBusMessage call = file_manager.calls().front();
  EXPECT_EQ(call.interface(), "org.freedesktop.FileManager1");
  EXPECT_EQ(call.member(), "ShowItems");
  EXPECT_EQ(call.signature(), "ass");
  const QString result = jobs_in(*jobs->model()).front().result_file;
  EXPECT_TRUE(QFile::exists(result)) << result.toStdString();
  EXPECT_EQ(call.arguments().at(0).toStringList(), QStringList(QUrl::fromLocalFile(result).toString()));
}

}  // namespace
}  // namespace tessera::testing
