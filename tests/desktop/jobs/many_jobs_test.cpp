// SPDX-License-Identifier: Apache-2.0
// A book of five hundred jobs in the page: what is done must follow what is seen, not what there is.
#include <gtest/gtest.h>

#include <QDir>
#include <QListView>

#include "desktop/jobs/backend_fixture.hpp"
#include "jobs/jobs_panel.hpp"
#include "jobs/local/local_backend.hpp"
#include "jobs/model/job_list_model.hpp"
#include "jobs/model/job_store_file.hpp"

namespace tessera::testing {
namespace {

using desktop::JobListModel;
using desktop::JobPhase;
using desktop::JobRecord;

constexpr int many = 500;

JobRecord done_job(int number, const QString& file) {
  JobRecord job;
  job.key = QStringLiteral("job-%1").arg(number);
  job.group = "group";
  job.name = QStringLiteral("%1.png").arg(number);
  job.file = file;
  job.pipeline = parse_pipeline("invert");
  job.pipeline_text = "invert";
  job.submitted = QDateTime::currentDateTimeUtc();
  job.phase = JobPhase::done;
  job.result_file = file;
  return job;
}

TEST(ManyJobs, HaveNoWidgetsAndPicturesOnlyWhereOneLooks) {
  const QString folder = desktop::default_local_options().journal_folder;
  {
    std::vector<JobRecord> jobs;
    const QString file = desktop::to_qstring(photographs(1).front());
    for (int i = 0; i < many; ++i) {
      jobs.push_back(done_job(i, file));
    }
    desktop::JobStoreFile(folder, "this-computer").save(jobs);
  }
  desktop::JobsPanel panel;
  panel.resize(1200, 600);
  panel.show();
  QListView* list = nullptr;
  const auto lists = panel.findChildren<QListView*>();
  for (QListView* const candidate : lists) {
    list = candidate->accessibleName() == "Jobs" ? candidate : list;
  }
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->model()->rowCount(), many);
  EXPECT_TRUE(list->viewport()->findChildren<QWidget*>().isEmpty());

  const auto has_picture = [&](int row) {
    return !list->model()->index(row, 0).data(JobListModel::ThumbnailRole).value<QImage>().isNull();
  };
  const int last_seen = list->indexAt({10, list->viewport()->height() - 1}).row();
  ASSERT_GT(last_seen, 2);
  ASSERT_LT(last_seen, many / 2);
  ASSERT_TRUE(comes_true([&] {
    int pictures = 0;
    for (int row = 0; row <= last_seen; ++row) {
      pictures += has_picture(row) ? 1 : 0;
    }
    return pictures == last_seen + 1;
  }));
  for (int row = last_seen + 1; row < many; ++row) {
    EXPECT_FALSE(has_picture(row)) << row << ", where " << last_seen << " is the last that is seen";
  }
  QDir(folder).removeRecursively();
}

}  // namespace
}  // namespace tessera::testing
