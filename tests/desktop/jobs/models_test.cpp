// SPDX-License-Identifier: Apache-2.0
// What the page of jobs shows, without a window.
#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>

#include "base/error.hpp"
#include "jobs/model/findings.hpp"
#include "jobs/model/job_filter.hpp"
#include "jobs/model/job_list_model.hpp"
#include "jobs/model/job_store_file.hpp"
#include "jobs/server/server_settings.hpp"

namespace tessera::desktop {
namespace {

JobRecord record(const QString& key, const QString& group, int minute, JobPhase phase = JobPhase::queued) {
  JobRecord job;
  job.key = key;
  job.group = group;
  job.name = key + ".png";
  job.pipeline = parse_pipeline("invert");
  job.pipeline_text = "invert";
  job.submitted = QDateTime(QDate(2026, 11, 24), QTime(12, minute), Qt::UTC);
  job.phase = phase;
  return job;
}

QStringList keys_of(const JobListModel& model) {
  QStringList keys;
  for (const JobRecord& job : model.jobs()) {
    keys += job.key;
  }
  return keys;
}

TEST(JobList, HasTheNewestGroupFirstAndEachGroupInItsOrder) {
  JobListModel model;
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.take({record("b1", "b", 2), record("b2", "b", 2)});
  model.take({record("a1", "a", 1), record("c1", "c", 3), record("c2", "c", 3)});
  EXPECT_EQ(keys_of(model), QStringList({"c1", "c2", "b1", "b2", "a1"}));
  model.remove({"b1", "c2", "unknown"});
  EXPECT_EQ(keys_of(model), QStringList({"c1", "b2", "a1"}));
  EXPECT_EQ(model.find("b2")->name, "b2.png");
  EXPECT_EQ(model.find("b1"), nullptr);
}

TEST(JobList, TellsOfNeighboursTogether) {
  JobListModel model;
  QList<JobRecord> jobs;
  for (int i = 0; i < 500; ++i) {
    jobs += record(QString::number(i), "g", 1);
  }
  model.take(jobs);
  const QSignalSpy changes(&model, &QAbstractItemModel::dataChanged);
  for (JobRecord& job : jobs) {
    job.phase = JobPhase::running;
    job.fraction = 0.5;
  }
  model.take(jobs);
  EXPECT_EQ(changes.count(), 1);
  model.take({jobs[3], jobs[5], jobs[4], jobs[100]});
  EXPECT_EQ(changes.count(), 3);
  EXPECT_EQ(model.totals().running, 500);
  EXPECT_DOUBLE_EQ(model.totals().fraction, 0.5);
}

TEST(JobList, CountsAndTellsOnceWhenAGroupEnds) {
  JobListModel model;
  const QSignalSpy ends(&model, &JobListModel::group_ended);
  model.take({record("old", "over", 0, JobPhase::done)});  // was over when it was first seen
  model.take({record("1", "g", 1), record("2", "g", 1), record("3", "g", 1)});
  EXPECT_EQ(model.totals().waiting, 3);
  EXPECT_EQ(model.totals().open_all, 3);
  model.take({record("1", "g", 1, JobPhase::done), record("2", "g", 1, JobPhase::failed)});
  EXPECT_EQ(progress_text(model.totals()), "2 of 3 finished · 1 waiting");
  EXPECT_EQ(ends.count(), 0);
  model.take({record("3", "g", 1, JobPhase::cancelled)});
  model.take({record("3", "g", 1, JobPhase::cancelled)});
  ASSERT_EQ(ends.count(), 1);
  const auto end = ends.front().front().value<GroupEnd>();
  EXPECT_EQ(end.done, 1);
  EXPECT_EQ(end.failed, 1);
  EXPECT_EQ(end.cancelled, 1);
  EXPECT_EQ(model.totals().under_way(), 0);
  EXPECT_EQ(model.totals().unsaved, 2);
  EXPECT_TRUE(progress_text(model.totals()).isEmpty());
}

TEST(JobList, SaysInWordsHowAJobIs) {
  JobListModel model;
  JobRecord job = record("1", "g", 1, JobPhase::running);
  job.fraction = 0.426;
  EXPECT_EQ(status_text(job), "Processing, 42 %");
  job.phase = JobPhase::failed;
  job.failure = "It is no image.";
  model.take({job});
  const QModelIndex row = model.index(0);
  EXPECT_EQ(row.data(JobListModel::RemarkRole), "It is no image.");
  EXPECT_EQ(row.data(Qt::AccessibleTextRole), "1.png: Failed. It is no image.");
}

TEST(JobList, IsFilteredByStateAndWords) {
  JobListModel model;
  JobFilter filter;
  filter.setSourceModel(&model);
  const QAbstractItemModelTester tester(&filter, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.take({record("one", "g", 1, JobPhase::done), record("two", "g", 1, JobPhase::failed),
              record("three", "g", 1, JobPhase::running)});
  filter.set_which(JobFilter::Which::failed);
  EXPECT_EQ(filter.rowCount(), 1);
  filter.set_which(JobFilter::Which::under_way);
  ASSERT_EQ(filter.rowCount(), 1);
  model.take({record("three", "g", 1, JobPhase::done)});
  EXPECT_EQ(filter.rowCount(), 0);
  filter.set_which(JobFilter::Which::all);
  filter.set_words("TWO");
  ASSERT_EQ(filter.rowCount(), 1);
  EXPECT_EQ(filter.index(0, 0).data(JobListModel::KeyRole), "two");
}

JobRecord full_record() {
  JobRecord job = record("key", "group", 5, JobPhase::done);
  job.id = "job_1";
  job.place = JobPlace::server;
  job.file = QStringLiteral("/tmp/ä b.png");
  job.output = {{"format", "png"}};
  job.failure = "Reason.";
  job.result_name = "r.png";
  job.result_bytes = qint64{5'000'000'000};
  job.result_size = {7, 9};
  job.result_file = "/tmp/r.png";
  job.saved = true;
  job.found = 3;
  job.findings_file = "/tmp/findings.json";
  job.bulk = true;
  job.attempt = 2;
  job.object = "uploads/x";
  job.generation = 4;
  job.updated = "2026-11-24T04:05:06.789Z";
  return job;
}

TEST(Journal, ReadsBackWhatItWrote) {
  const QTemporaryDir folder;
  const JobRecord job = full_record();
  {
    JobStoreFile journal(folder.path(), "jobs");
    journal.save({job});
  }
  JobStoreFile journal(folder.path(), "jobs");
  const auto found = journal.take_found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(to_json(found.front()), to_json(job));
  EXPECT_TRUE(journal.problems().isEmpty());
  EXPECT_TRUE(journal.last_failure().isEmpty());
}

TEST(Journal, IsEachProgramsOwnWhileItRunsAndTakenOverAfterwards) {
  const QTemporaryDir folder;
  {
    JobStoreFile first(folder.path(), "jobs");
    JobStoreFile second(folder.path(), "jobs");
    EXPECT_TRUE(second.take_found().empty());
    first.save({record("first", "g", 1)});
    second.save({record("second", "h", 2)});
  }
  {
    JobStoreFile next(folder.path(), "jobs");
    const auto found = next.take_found();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].key, "first");
    EXPECT_EQ(found[1].key, "second");
  }
  JobStoreFile again(folder.path(), "jobs");  // none twice
  EXPECT_EQ(again.take_found().size(), 2U);
}

TEST(Journal, PutsAsideWhatItCannotRead) {
  const QTemporaryDir folder;
  const QString name = folder.filePath("jobs-1.json");
  {
    QFile file(name);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("{\"jobs\": [");
  }
  const JobStoreFile journal(folder.path(), "jobs");
  ASSERT_EQ(journal.problems().size(), 1);
  EXPECT_TRUE(journal.problems().front().contains(name)) << journal.problems().front().toStdString();
  QFile aside(name + ".unreadable");
  ASSERT_TRUE(aside.open(QIODevice::ReadOnly));
  EXPECT_EQ(aside.readAll(), "{\"jobs\": [");
}

TEST(Journal, SaysWhenThereIsNoPlaceForIt) {
  try {
    const JobStoreFile journal("/proc/nowhere", "jobs");
    FAIL() << "a folder was made in /proc";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find("/proc/nowhere"), std::string::npos) << error.what();
  }
}

TEST(FoundThings, AreATableAndCsv) {
  const std::vector<Findings> lists = findings_from_json(
      Json::parse(R"([{"operator": "hough-lines", "columns": ["x_px", "the \"y\", px"], "count": 2,
                       "rows": [[1, 0.1], [2.5, -3]]}, {"operator": "broken"}, 7])"));
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(findings_csv(lists.front()), "x_px,\"the \"\"y\"\", px\"\r\n1,0.1\r\n2.5,-3\r\n");
  EXPECT_EQ(findings_from_json(findings_json(lists)), lists);
  FindingsModel model;
  const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.set_list(lists.front());
  EXPECT_EQ(model.rowCount(), 2);
  EXPECT_EQ(model.headerData(0, Qt::Horizontal), "x px");
  EXPECT_EQ(model.index(1, 0).data().toString(), QLocale().toString(2.5));
}

TEST(ServerAddress, IsUnderstoodAsPeopleTypeIt) {
  EXPECT_EQ(normalised_address(" tessera.example.org/ "), "https://tessera.example.org");
  EXPECT_EQ(normalised_address("localhost:8080"), "http://localhost:8080");
  EXPECT_EQ(normalised_address("http://a//"), "http://a");
  EXPECT_TRUE(problem_with({"", "", ""}));
  EXPECT_TRUE(problem_with({"ftp://a", "", ""}));
  EXPECT_TRUE(problem_with({"https://a", "a b", ""}));
  EXPECT_TRUE(problem_with({"https://a", "", "/no/such/file"}));
  EXPECT_FALSE(problem_with({"https://a", "t", ""}));
  EXPECT_TRUE(warning_about({"http://a", "t", ""}));
  EXPECT_FALSE(warning_about({"http://127.0.0.1:1", "t", ""}));
  EXPECT_FALSE(warning_about({"https://a", "t", ""}));
}

TEST(ServerAddress, IsKeptWithItsTokenReadableForTheUserAlone) {
  const ServerSettings settings{"https://a", "tsr_secret", ""};
  ASSERT_EQ(save_server_settings(settings), std::nullopt);
  EXPECT_EQ(load_server_settings(), settings);
  EXPECT_EQ(QFile::permissions(token_file()) & (QFile::ReadGroup | QFile::ReadOther), QFile::Permissions());
  ASSERT_EQ(save_server_settings({"https://a", "", ""}), std::nullopt);
  EXPECT_FALSE(QFile::exists(token_file()));
}

}  // namespace
}  // namespace tessera::desktop
