// SPDX-License-Identifier: Apache-2.0
// The real window and a server that goes away, and the window closed and opened while the server works.
#include <gtest/gtest.h>

#include <QLabel>
#include <QListView>
#include <QTabWidget>

#include "desktop/e2e/user.hpp"
#include "jobs/connection_banner.hpp"
#include "jobs/jobs_panel.hpp"
#include "service/service_process.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {
namespace {

using desktop::JobPhase;

/// A second or so for each image, so that things mostly happen while it is worked on.
constexpr const char* slow_pipeline = "median size=5 | non-local-means search-radius=16";

class WindowAndServer : public ::testing::Test {
 protected:
  WindowAndServer() {
    begin_anew();
    set_up_server(serve.url());
    window = open_window();
  }

  void submit(std::size_t images) const {
    drop(window.get(), photographs(images));
    window->edit_page()->pipelines().shared().replace(parse_pipeline(slow_pipeline), "Test");
    ASSERT_TRUE(comes_true([&] {
      return button_with(window->edit_page(), "Process")->text().contains(QString::number(images));
    }));
    click(button_with(window->edit_page(), "Process"));
  }
  [[nodiscard]] const QAbstractItemModel& jobs() const { return *named<QListView>("Jobs")->model(); }
  /// On a quick machine some may have ended.
  [[nodiscard]] bool all_sent_and_some_begun() const {
    return count(jobs(), JobPhase::running) + count(jobs(), JobPhase::done) > 0 &&
           count(jobs(), JobPhase::sending) == 0;
  }

  ServeProcess serve;
  std::unique_ptr<desktop::MainWindow> window;
};

TEST_F(WindowAndServer, AConnectionThatIsLostIsSaidAndCaughtUpWith) {
  submit(4);
  ASSERT_TRUE(comes_true([&] { return all_sent_and_some_begun(); }));
  const auto* const banner = window->findChild<desktop::ConnectionBanner*>();
  ASSERT_NE(banner, nullptr);
  EXPECT_FALSE(banner->isVisible());

  serve.kill();
  ASSERT_TRUE(comes_true([&] { return banner->isVisible(); }));
  const QString said = banner->findChild<QLabel*>()->text();
  const QString server = QString::fromStdString(serve.url()).mid(7);
  EXPECT_TRUE(said.startsWith("The connection to " + server + " is lost.")) << said.toStdString();
  EXPECT_EQ(banner->accessibleName(), said);
  keep_picture(*window, "connection-lost");

  serve.start();
  ASSERT_TRUE(comes_true([&] { return !banner->isVisible(); }));
  EXPECT_TRUE(comes_true([&] { return count(jobs(), JobPhase::done) == 4; }));
  keep_picture(*window, "connection-back");
}

TEST_F(WindowAndServer, TryNowTriesAtOnceAndSaysIfThatWasInVain) {
  serve.kill();
  const auto* const banner = window->findChild<desktop::ConnectionBanner*>();
  window->findChild<QTabWidget*>()->setCurrentIndex(1);
  ASSERT_TRUE(comes_true([&] { return banner->isVisible(); }));
  click(button_with(window.get(), "Try now"));
  EXPECT_FALSE(banner->isVisible());
  ASSERT_TRUE(comes_true([&] { return banner->isVisible(); }));
  serve.start();
  click(button_with(window.get(), "Try now"));
  ASSERT_TRUE(comes_true([&] {
    return window->findChild<desktop::JobsPanel*>()->connection().state ==
           desktop::Connection::State::connected;
  }));
  EXPECT_FALSE(banner->isVisible());
}

TEST_F(WindowAndServer, ItsJobsAreFoundAgainWhenTheWindowIsOpenedAgain) {
  submit(3);
  ASSERT_TRUE(comes_true([&] { return all_sent_and_some_begun(); }));
  // Nothing is asked: the server needs nobody.
  ASSERT_TRUE(window->close());
  window.reset();
  window = open_window();
  window->findChild<QTabWidget*>()->setCurrentIndex(1);
  ASSERT_EQ(jobs().rowCount(), 3);
  EXPECT_TRUE(comes_true([&] { return count(jobs(), JobPhase::done) == 3; }));
}

}  // namespace
}  // namespace tessera::testing
