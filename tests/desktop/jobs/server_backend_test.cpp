// SPDX-License-Identifier: Apache-2.0
// Jobs on a real `tessera serve`, through good and bad days.
#include "jobs/server/server_backend.hpp"

#include <QElapsedTimer>
#include <fstream>

#include "desktop/jobs/backend_fixture.hpp"
#include "jobs/local/local_run.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

using desktop::Connection;
using desktop::JobPhase;
using desktop::JobRecord;
using desktop::ServerBackend;

/// A second or so for each image, so that things mostly happen while it is worked on.
const std::string slow_pipeline = "median size=5 | non-local-means search-radius=16";

class ServerJobs : public ::testing::Test {
 protected:
  [[nodiscard]] desktop::ServerOptions options(const std::string& token = {}) const {
    return {{serve.url(), token, {}},
            desktop::to_qstring(folder.path() / "journal"),
            desktop::to_qstring(folder.path() / "results")};
  }
  /// On a quick machine some may have ended.
  [[nodiscard]] static bool all_sent_and_some_begun(const Told& told) {
    return told.count(JobPhase::running) + told.count(JobPhase::done) > 0 &&
           told.count(JobPhase::sending) == 0;
  }
  ServerFolder folder;
  ServeProcess serve;
};

TEST_F(ServerJobs, GiveWhatApplyMakes) {
  ServerBackend backend(options());
  Told told(backend);
  const auto photos = photographs(3);
  const std::string pipeline = "gaussian-blur sigma=2 | otsu";
  backend.submit(submissions(photos, pipeline));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 3; }))
      << told.errors.join('\n').toStdString();
  for (const JobRecord& job : backend.jobs()) {
    backend.fetch_result(job.key);
  }
  ASSERT_TRUE(comes_true([&] { return told.fetched.size() == 3; })) << told.errors.join('\n').toStdString();
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const JobRecord job = backend.jobs()[i];
    EXPECT_TRUE(read_file(desktop::to_path(told.fetched[job.key])) == applied(pipeline, photos[i]))
        << photos[i];
    EXPECT_EQ(job.result_name.toStdString(), photos[i].stem().string() + "-gaussian-blur-otsu.png");
  }
}

TEST_F(ServerJobs, ShowProgressByEvents) {
  ServerBackend backend(options());
  Told told(backend);
  // What happens before the events are followed is caught up with at once, without steps in between.
  ASSERT_TRUE(comes_true([&] { return backend.connection().state == Connection::State::connected; }));
  backend.submit(submissions({photographs(2).back()}, testing::endless_pipeline_on_any_image));
  EXPECT_TRUE(comes_true([&] {
    return std::ranges::count_if(told.fractions[backend.jobs().front().key],
                                 [](double fraction) { return fraction > 0 && fraction < 1; }) > 1;
  })) << backend.connection().reason.toStdString()
      << told.errors.join('\n').toStdString();
  backend.cancel({backend.jobs().front().key});
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::cancelled) == 1; }));
}

TEST_F(ServerJobs, CatchUpWhenTheServerWasKilledAndComesBack) {
  ServerBackend backend(options());
  Told told(backend);
  const auto photo = photographs(2).back();
  backend.submit(submissions({photo, photo, photo, photo}, slow_pipeline));
  ASSERT_TRUE(comes_true([&] { return all_sent_and_some_begun(told); }));
  serve.kill();
  ASSERT_TRUE(comes_true([&] { return backend.connection().state == Connection::State::lost; }));
  EXPECT_FALSE(backend.connection().reason.isEmpty());
  serve.start();
  ASSERT_TRUE(comes_true([&] { return backend.connection().state == Connection::State::connected; }));
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 4; }));
}

TEST_F(ServerJobs, WaitForAServerThatIsAway) {
  serve.kill();
  ServerBackend backend(options());
  Told told(backend);
  backend.submit(submissions({photographs(2).back()}, "invert"));
  ASSERT_TRUE(comes_true([&] {
    return backend.connection().state == Connection::State::lost && !backend.jobs().front().detail.isEmpty();
  }));
  EXPECT_EQ(backend.jobs().front().phase, JobPhase::sending);
  EXPECT_EQ(backend.jobs_that_need_the_program(), 1);
  serve.start();
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
}

TEST_F(ServerJobs, AreFoundAgainWhenTheProgramIsOpenedAgain) {
  const auto photo = photographs(2).back();
  {
    ServerBackend backend(options());
    Told told(backend);
    backend.submit(submissions({photo, photo, photo}, slow_pipeline));
    ASSERT_TRUE(comes_true([&] { return all_sent_and_some_begun(told); }));
  }
  // Sent by nobody yet: the program ends before it has reached the server.
  serve.kill();
  {
    ServerBackend backend(options());
    backend.submit(submissions({photo}, "invert"));
  }
  serve.start();
  ServerBackend backend(options());
  Told told(backend);
  ASSERT_EQ(backend.jobs().size(), 4U);
  EXPECT_TRUE(
      comes_true([&] { return std::ranges::count(backend.jobs(), JobPhase::done, &JobRecord::phase) == 4; }));
  // Each was made once.
  EXPECT_EQ(json_of(ask(serve.port(), "GET", "/v1/jobs?limit=100")).at("jobs").size(), 4U);
}

TEST_F(ServerJobs, ThatWereSentFromElsewhereAreShown) {
  const CommandOutcome sent = tessera({"submit", "--server", serve.url(), "--no-wait",
                                       testing::endless_pipeline_on_any_image, photographs(2).back()});
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  ServerBackend backend(options());
  Told told(backend);
  ASSERT_TRUE(comes_true([&] { return backend.jobs().size() == 1; }));
  EXPECT_EQ(backend.jobs().front().name.toStdString(), photographs(2).back().filename().string());
  backend.cancel({backend.jobs().front().key});
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::cancelled) == 1; }));
}

TEST_F(ServerJobs, AreCancelledAndBeginAnew) {
  ServerBackend backend(options());
  Told told(backend);
  const auto photo = photographs(2).back();
  backend.submit(submissions({photo}, testing::endless_pipeline_on_any_image));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::running) == 1; }));
  const QString key = backend.jobs().front().key;
  backend.cancel({key});
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::cancelled) == 1; }));
  backend.retry({key});
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::running) == 1; }));
  backend.cancel({key});
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::cancelled) == 1; }));
}

TEST_F(ServerJobs, SayWhyTheyFailed) {
  const auto image = folder.path() / "broken.png";
  std::ofstream(image) << "not an image";
  ServerBackend backend(options());
  Told told(backend);
  backend.submit(submissions({image, folder.path() / "missing.png"}, "invert"));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::failed) == 2; }));
  EXPECT_TRUE(backend.jobs()[0].failure.contains("broken.png")) << backend.jobs()[0].failure.toStdString();
  EXPECT_TRUE(backend.jobs()[1].failure.contains("missing.png")) << backend.jobs()[1].failure.toStdString();
}

TEST_F(ServerJobs, BringLinksAndWhatWasFound) {
  ServerBackend backend(options());
  Told told(backend);
  QString url;
  QDateTime expires;
  QObject::connect(&backend, &desktop::JobBackend::link_made, &backend,
                   [&](const QString&, const QString& link, const QDateTime& until) {
                     url = link;
                     expires = until;
                   });
  const auto photo = photographs(2).back();
  backend.submit(submissions({photo}, "harris"));
  ASSERT_TRUE(
      comes_true([&] { return told.count(JobPhase::done) == 1 && backend.jobs().front().found > 0; }));
  const JobRecord job = backend.jobs().front();
  EXPECT_EQ(desktop::read_findings(job.findings_file).front().rows(), job.found);
  backend.make_link(job.key);
  ASSERT_TRUE(comes_true([&] { return !url.isEmpty(); }));
  EXPECT_GT(QDateTime::currentDateTimeUtc().secsTo(expires), 60);
  const CommandOutcome fetched = run_command({"curl", "-sSf", url.toStdString()});
  EXPECT_EQ(fetched.exit_code, 0) << fetched.err;
  EXPECT_TRUE(fetched.out == applied("harris", photo));
}

TEST_F(ServerJobs, WaitForATokenThatIsRight) {
  const CommandOutcome made =
      tessera({"token", "--state", serve.state_url(), "add", "ann", "--scope", "submit,read"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  {
    ServerBackend backend(options("tsr_wrong"));
    ASSERT_TRUE(comes_true([&] { return backend.connection().state == Connection::State::refused; }));
    EXPECT_TRUE(backend.connection().reason.contains("token", Qt::CaseInsensitive))
        << backend.connection().reason.toStdString();
    backend.submit(submissions({photographs(2).back()}, "invert"));
    EXPECT_EQ(backend.jobs().front().phase, JobPhase::sending);
  }
  ServerBackend backend(options(made.out.substr(0, made.out.find('\n'))));
  Told told(backend);
  EXPECT_TRUE(comes_true([&] { return told.count(JobPhase::done) == 1; }));
}

TEST_F(ServerJobs, AreToldInBundlesWhenThereAreMany) {
  ServerBackend backend(options());
  Told told(backend);
  const auto tiny = folder.path() / "tiny.ppm";
  std::ofstream(tiny) << "P6 2 2 255\nabcdefghijkl";
  constexpr int jobs = 60;
  QElapsedTimer watch;
  watch.start();
  backend.submit(submissions(std::vector<std::filesystem::path>(jobs, tiny), "invert"));
  ASSERT_TRUE(comes_true([&] { return told.count(JobPhase::done) == jobs; })) << told.count(JobPhase::done);
  // However many events there are: twenty times a second at most.
  EXPECT_LE(told.bundles, watch.elapsed() / 50 + 2);
}

}  // namespace
}  // namespace tessera::testing
