// SPDX-License-Identifier: Apache-2.0
#include "jobs/model/job_filter.hpp"

#include "jobs/model/job_list_model.hpp"

namespace tessera::desktop {

void JobFilter::set_which(Which which) {
  which_ = which;
  invalidateFilter();
}

void JobFilter::set_words(const QString& words) {
  words_ = words.trimmed();
  invalidateFilter();
}

bool JobFilter::filterAcceptsRow(int row, const QModelIndex&) const {
  const JobRecord& job =
      static_cast<const JobListModel*>(sourceModel())->jobs().at(static_cast<std::size_t>(row));
  const bool listed =
      which_ == Which::all || (which_ == Which::under_way && !is_over(job.phase)) ||
      (which_ == Which::done && job.phase == JobPhase::done) ||
      (which_ == Which::failed && (job.phase == JobPhase::failed || job.phase == JobPhase::cancelled));
  return listed && (words_.isEmpty() || job.name.contains(words_, Qt::CaseInsensitive) ||
                    job.pipeline_text.contains(words_, Qt::CaseInsensitive));
}

}  // namespace tessera::desktop
