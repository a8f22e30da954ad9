// SPDX-License-Identifier: Apache-2.0
// What somebody does who never opens a terminal, on the real window and the real distributed service.
#include "desktop/e2e/user.hpp"

#include <gtest/gtest.h>

#include <QAbstractItemModel>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QLineEdit>
#include <QListView>
#include <QSettings>
#include <QToolButton>
#include <set>

#include "jobs/jobs_panel.hpp"
#include "jobs/model/job_list_model.hpp"
#include "pipeline/pipeline_model.hpp"
#include "servers/distributed_service.hpp"
#include "servers/s3_server.hpp"
#include "service/service_process.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;
using desktop::JobPhase;
using desktop::JobRecord;

TEST(User, SendsThreePhotographsAndGetsWhatApplyMakes) {
  const S3Server store{S3Kind::s3rver};
  const DistributedService service{store.url()};
  const ServerFolder folder;
  // Big enough that there is progress to be seen.
  std::vector<fs::path> photos;
  const ServerFolder camera;
  for (const fs::path& photo : photographs(3)) {
    photos.push_back(camera.path() / photo.filename());
    ASSERT_EQ(
        tessera({"apply", "--quiet", "resize width=1200 height=800 fit=fill", photo, "-o", photos.back()})
            .exit_code,
        0);
  }
  begin_anew();
  const auto opened = open_window();
  desktop::MainWindow& window = *opened;
  auto* const tabs = window.findChild<QTabWidget*>();
  const auto show_page = [&](int page) {
    QTest::mouseClick(tabs->tabBar(), Qt::LeftButton, {}, tabs->tabBar()->tabRect(page).center());
  };

  // The server is set up.
  show_page(1);
  in_next_dialog(&window, [&](QDialog& dialog) {
    QTest::keyClicks(named<QLineEdit>("Address of the server"), QString::fromStdString(service.url()));
    click(dialog.findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Ok));
  });
  QTest::keyClick(named<QComboBox>("Where images are processed"), Qt::Key_Down);
  auto* const panel = window.findChild<desktop::JobsPanel*>();
  ASSERT_NE(panel, nullptr);
  ASSERT_TRUE(service.url().ends_with(panel->place_name().toStdString()))
      << panel->place_name().toStdString();

  // Photographs are dropped, and a pipeline is put together with mouse and keyboard.
  show_page(0);
  drop(&window, photos);
  auto* const images = named<QListView>("Images");
  ASSERT_TRUE(comes_true([&] { return images->model()->rowCount() == 3; }));
  click(button_with(window.edit_page(), "Add operation"));
  choose_operation("gaussian blur");
  auto* const sigma = named<QAbstractSpinBox>("Sigma");
  ASSERT_NE(sigma, nullptr);
  sigma->selectAll();
  QTest::keyClicks(sigma, "2.5");
  QTest::keyClick(sigma, Qt::Key_Return);
  press_in(window, Qt::Key_K, Qt::ControlModifier);
  choose_operation("non-local means");
  const std::string pipeline = to_text(window.edit_page()->pipelines().shared().pipeline());
  ASSERT_EQ(pipeline, "gaussian-blur sigma=2.5 | non-local-means");

  // They are sent, and progress is seen to move by the server's events.
  QPushButton* const process = button_with(window.edit_page(), "Process");
  ASSERT_TRUE(comes_true([&] { return process->isEnabled(); }));
  click(process);
  show_page(1);
  auto* const jobs = named<QListView>("Jobs");
  std::set<JobPhase> phases;
  bool moved = false;
  int done = 0;
  ASSERT_TRUE(comes_true([&] {
    done = 0;
    for (const JobRecord& job : jobs_in(*jobs->model())) {
      phases.insert(job.phase);
      moved = moved || (job.phase == JobPhase::running && job.fraction > 0 && job.fraction < 1);
      done += job.phase == JobPhase::done ? 1 : 0;
      EXPECT_NE(job.phase, JobPhase::failed) << job.failure.toStdString();
    }
    return done == 3;
  })) << done
      << " done";
  EXPECT_TRUE(moved);
  EXPECT_TRUE(phases.contains(JobPhase::running));

  // They are saved into a folder.
  QSettings().setValue("jobs/save_folder", desktop::to_qstring(folder.path()));
  bool asked = false;
  in_next_dialog(&window, [&](QDialog& dialog) {
    asked = true;
    // The folder of the last time is offered. Typing would race with what the dialog fills in by itself.
    EXPECT_EQ(static_cast<QFileDialog&>(dialog).directory().absolutePath(),
              desktop::to_qstring(folder.path()));
    click(dialog.findChild<QDialogButtonBox*>()->button(QDialogButtonBox::Open));
  });
  click(button_with<QToolButton>(panel, "Save all"));
  EXPECT_TRUE(asked);
  const auto saved = [&](const fs::path& photo) {
    return folder.path() / (photo.stem().string() + "-gaussian-blur-non-local-means.png");
  };
  ASSERT_TRUE(comes_true([&] {
    return std::ranges::all_of(photos, [&](const auto& photo) { return fs::exists(saved(photo)); });
  }));
  const ServerFolder expected;
  for (const fs::path& photo : photos) {
    const auto file = expected.path() / "expected.png";
    ASSERT_EQ(tessera({"apply", "--quiet", "--force", pipeline, photo, "-o", file}).exit_code, 0);
    EXPECT_TRUE(read_file(saved(photo)) == read_file(file)) << photo;
  }
}

}  // namespace
}  // namespace tessera::testing
