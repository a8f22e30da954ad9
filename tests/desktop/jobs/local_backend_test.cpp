// SPDX-License-Identifier: Apache-2.0
// Jobs on this computer, with the engine in the process.
#include "jobs/local/local_backend.hpp"

#include <fstream>

#include "desktop/jobs/backend_fixture.hpp"
#include "jobs/local/local_run.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

using desktop::JobPhase;
using desktop::JobRecord;
using desktop::LocalBackend;

/// Long enough that nothing gets it done before it is stopped.

class LocalJobs : public ::testing::Test {
 protected:
  [[nodiscard]] desktop::LocalOptions options() const {
    return {desktop::to_qstring(folder.path() / "journal"), desktop::to_qstring(folder.path() / "results"), 2,
            1};
  }
  ServerFolder folder;
};

TEST_F(LocalJobs, GiveWhatApplyMakes) {
  LocalBackend backend(options());
  Told told(backend);
  const auto photos = photographs(3);
  const std::string pipeline = "gaussian-blur sigma=2 | otsu";
  backend.submit(submissions(photos, pipeline));
  ASSERT_EQ(backend.jobs().size(), 3U);
  EXPECT_EQ(backend.jobs_that_need_the_program(), 3);
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 3; }));
  EXPECT_EQ(backend.jobs_that_need_the_program(), 0);
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const JobRecord job = backend.jobs()[i];
    EXPECT_EQ(job.result_name.toStdString(), photos[i].stem().string() + "-gaussian-blur-otsu.png");
    EXPECT_TRUE(read_file(desktop::to_path(job.result_file)) == applied(pipeline, photos[i])) << photos[i];
    EXPECT_EQ(job.result_bytes,
              static_cast<qint64>(std::filesystem::file_size(desktop::to_path(job.result_file))));
  }
}

TEST_F(LocalJobs, HeedHowResultsAreToBeWritten) {
  LocalBackend backend(options());
  Told told(backend);
  const auto photo = photographs(1).front();
  backend.submit(submissions({photo}, "invert", {{"format", "jpg"}, {"quality", 85}, {"strip", true}}));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  const JobRecord job = backend.jobs().front();
  EXPECT_TRUE(job.result_name.endsWith(".jpg"));
  EXPECT_TRUE(read_file(desktop::to_path(job.result_file)) == applied("invert", photo, "jpg", {"--strip"}));
}

TEST_F(LocalJobs, KeepWhatWasFound) {
  LocalBackend backend(options());
  Told told(backend);
  backend.submit(submissions({photographs(1).front()}, "harris"));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  const JobRecord job = backend.jobs().front();
  ASSERT_GT(job.found, 0);
  const auto lists = desktop::read_findings(job.findings_file);
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists.front().rows(), job.found);
  EXPECT_EQ(lists.front().operator_name, "harris");
}

TEST_F(LocalJobs, SayWhyTheyFailedAndBeginAnew) {
  LocalBackend backend(options());
  Told told(backend);
  const auto image = folder.path() / "late.png";
  const auto good = photographs(1).front();
  backend.submit(submissions({image, good}, "invert"));
  ASSERT_TRUE(
      comes_true([&] { return told.count(JobPhase::failed) == 1 && told.count(JobPhase::done) == 1; }));
  const JobRecord failed = backend.jobs().front();
  EXPECT_TRUE(failed.failure.contains("late.png")) << failed.failure.toStdString();
  EXPECT_TRUE(failed.failure.endsWith('.')) << failed.failure.toStdString();

  std::filesystem::copy_file(good, image);
  backend.retry({failed.key});
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 2; }));
  EXPECT_TRUE(told.by_key[failed.key].failure.isEmpty());
}

TEST_F(LocalJobs, StopWhenCancelled) {
  LocalBackend backend(options());
  Told told(backend);
  const auto photo = photographs(1).front();
  backend.submit(submissions({photo, photo, photo}, testing::endless_pipeline_on_any_image));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::running) == 2; }));
  backend.cancel({backend.jobs()[0].key, backend.jobs()[1].key, backend.jobs()[2].key});
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::cancelled) == 3; }));
  // The threads are free again.
  backend.submit(submissions({photo}, "invert"));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  EXPECT_EQ(told.count(JobPhase::cancelled), 3);
  for (const JobRecord& job : backend.jobs()) {
    EXPECT_EQ(std::filesystem::exists(folder.path() / "results" / job.key.toStdString() / "findings.json"),
              false);
    EXPECT_EQ(job.result_file.isEmpty(), job.phase != JobPhase::done);
  }
}

TEST_F(LocalJobs, GoOnWhenTheProgramIsOpenedAgain) {
  const auto photo = photographs(1).front();
  QString finished;
  {
    LocalBackend backend(options());
    Told told(backend);
    backend.submit(submissions({photo}, "invert"));
    ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
    finished = backend.jobs().front().key;
    backend.submit(submissions({photo}, "median size=3"));
    backend.submit(submissions({photo, photo}, testing::endless_pipeline_on_any_image));
  }  // the program ends in the midst of it
  LocalBackend backend(options());
  Told told(backend);
  ASSERT_EQ(backend.jobs().size(), 4U);
  EXPECT_EQ(backend.jobs().front().key, finished);
  EXPECT_EQ(backend.jobs().front().phase, JobPhase::done);
  EXPECT_EQ(backend.jobs_that_need_the_program(), 3);
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  const JobRecord second = backend.jobs()[1];
  EXPECT_TRUE(read_file(desktop::to_path(second.result_file)) == applied("median size=3", photo));
}

TEST_F(LocalJobs, SayWhenTheCacheHasLostTheResult) {
  const auto photo = photographs(1).front();
  {
    LocalBackend backend(options());
    Told told(backend);
    backend.submit(submissions({photo}, "invert"));
    ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  }
  std::filesystem::remove_all(folder.path() / "results");
  LocalBackend backend(options());
  Told told(backend);
  const JobRecord lost = backend.jobs().front();
  EXPECT_EQ(lost.phase, JobPhase::failed);
  EXPECT_TRUE(lost.failure.contains("cache")) << lost.failure.toStdString();
  backend.retry({lost.key});
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
}

TEST_F(LocalJobs, LeaveNothingBehindWhenForgotten) {
  const auto photo = photographs(1).front();
  LocalBackend backend(options());
  Told told(backend);
  backend.submit(submissions({photo}, "invert"));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
  backend.forget({backend.jobs().front().key});
  EXPECT_TRUE(backend.jobs().empty());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "results"));
}

}  // namespace
}  // namespace tessera::testing
