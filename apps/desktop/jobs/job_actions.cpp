// SPDX-License-Identifier: Apache-2.0
#include "jobs/job_actions.hpp"

#include <QWidget>
#include <algorithm>
#include <utility>

#include "jobs/job_questions.hpp"
#include "jobs/model/backends.hpp"
#include "jobs/model/job_list_model.hpp"
#include "results/result_saver.hpp"
#include "widgets/desktop_services.hpp"

namespace tessera::desktop {
namespace {

bool is_done(const JobRecord& job) { return job.phase == JobPhase::done; }
bool is_failed(const JobRecord& job) { return job.phase == JobPhase::failed; }
bool has_ended(const JobRecord& job) { return is_over(job.phase); }
bool is_open(const JobRecord& job) { return !is_over(job.phase); }
bool is_unsaved(const JobRecord& job) { return is_done(job) && !job.saved; }
bool can_begin_anew(const JobRecord& job) { return is_failed(job) || job.phase == JobPhase::cancelled; }

QList<JobRecord> only(QList<JobRecord> jobs, bool (*condition)(const JobRecord&)) {
  jobs.removeIf([condition](const JobRecord& job) { return !condition(job); });
  return jobs;
}

}  // namespace

JobActions::JobActions(Backends& places, ResultSaver& saver, Jobs selected, Jobs all, QWidget* widget)
    : QObject(widget),
      places_(places),
      saver_(saver),
      selected_(std::move(selected)),
      all_(std::move(all)),
      widget_(widget) {
  make_selected_actions();
  make_all_actions();
}

QAction* JobActions::add(const QString& text, const QString& tip, const QKeySequence& keys,
                         const std::function<void()>& work) {
  auto* const action = new QAction(text, this);
  action->setToolTip(keys.isEmpty() ? tip : tr("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
  action->setShortcut(keys);
  action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  connect(action, &QAction::triggered, this, work);
  widget_->addAction(action);
  return action;
}

void JobActions::make_selected_actions() {
  save_ = add(tr("Save…"), tr("Save the results of the selected jobs"), QKeySequence("Ctrl+S"),
              [this] { save(selected_()); });
  copy_link_ = add(tr("Copy link"), tr("Copy a link to the result, for others to open"),
                   QKeySequence("Ctrl+L"), [this] { copy_link(); });
  reveal_ = add(tr("Show in folder"), tr("Show the result in the file manager"), QKeySequence("Ctrl+J"),
                [this] { reveal_result(); });
  retry_ = add(tr("Try again"), tr("Begin anew what failed or was cancelled"), QKeySequence("Ctrl+R"),
               [this] { retry(selected_()); });
  cancel_ = add(tr("Cancel"), tr("Stop the selected jobs"), QKeySequence("Ctrl+Backspace"),
                [this] { cancel(selected_()); });
  remove_ = add(tr("Remove from the list"), tr("Forget the selected jobs"), QKeySequence::Delete,
                [this] { forget(selected_()); });
}

void JobActions::make_all_actions() {
  save_all_ = add(tr("Save all…"), tr("Save all results into a folder"), QKeySequence("Ctrl+Shift+S"),
                  [this] { save_all(); });
  cancel_all_ =
      add(tr("Cancel all"), tr("Stop everything that is under way"), {}, [this] { cancel(all_()); });
  retry_failed_ = add(tr("Try failed again"), tr("Begin anew all that failed"), QKeySequence("Ctrl+Shift+R"),
                      [this] { retry(only(all_(), is_failed)); });
  clear_finished_ = add(tr("Clear finished"), tr("Take everything that is over out of the list"), {},
                        [this] { forget(all_()); });
}

void JobActions::update_selected() {
  const QList<JobRecord> jobs = selected_();
  const bool one_done = jobs.size() == 1 && is_done(jobs.front());
  const JobBackend* const place = one_done ? places_.backend(jobs.front().place) : nullptr;
  save_->setEnabled(std::ranges::any_of(jobs, is_done));
  copy_link_->setEnabled(place != nullptr && place->has_links());
  reveal_->setEnabled(one_done && !jobs.front().result_file.isEmpty());
  retry_->setEnabled(std::ranges::any_of(jobs, can_begin_anew));
  cancel_->setEnabled(std::ranges::any_of(jobs, is_open));
  remove_->setEnabled(std::ranges::any_of(jobs, has_ended));
}

void JobActions::update_all(const JobTotals& totals) {
  cancel_all_->setEnabled(totals.under_way() > 0);
  retry_failed_->setEnabled(totals.failed > 0);
  clear_finished_->setEnabled(totals.done + totals.failed + totals.cancelled > 0);
  save_all_->setEnabled(totals.done > 0);
}

void JobActions::press(const JobRecord& job, RowButton button) {
  switch (button) {
    case RowButton::cancel:
      return cancel({job});
    case RowButton::retry:
      return retry({job});
    case RowButton::save:
      return save({job});
    case RowButton::none:
      return;
  }
}

void JobActions::save(QList<JobRecord> jobs) {
  saver_.save(only(std::move(jobs), is_done),
              [this](const JobRecord& job) { return places_.backend(job.place); });
}

void JobActions::save_all() {
  const QList<JobRecord> jobs = all_();
  const QList<JobRecord> unsaved = only(jobs, is_unsaved);
  save(unsaved.isEmpty() ? jobs : unsaved);
}

void JobActions::cancel(QList<JobRecord> jobs) {
  const QList<JobRecord> open = only(std::move(jobs), is_open);
  if (open.size() > 1 && !may_cancel(open.size(), widget_)) {
    return;
  }
  places_.each(open, [](JobBackend& backend, const QStringList& keys) { backend.cancel(keys); });
}

void JobActions::retry(const QList<JobRecord>& jobs) {
  places_.each(jobs, [](JobBackend& backend, const QStringList& keys) { backend.retry(keys); });
}

void JobActions::forget(QList<JobRecord> jobs) {
  const QList<JobRecord> over = only(std::move(jobs), has_ended);
  const auto unsaved = std::ranges::count_if(over, is_unsaved);
  if (unsaved > 0 && !may_forget_unsaved(unsaved, widget_)) {
    return;
  }
  places_.each(over, [](JobBackend& backend, const QStringList& keys) { backend.forget(keys); });
}

void JobActions::copy_link() {
  const QList<JobRecord> done = only(selected_(), is_done);
  if (!done.isEmpty()) {
    if (JobBackend* const place = places_.backend(done.front().place)) {
      place->make_link(done.front().key);
    }
  }
}

void JobActions::reveal_result() {
  const QList<JobRecord> jobs = selected_();
  if (!jobs.isEmpty() && !jobs.front().result_file.isEmpty()) {
    reveal(jobs.front().result_file);
  }
}

}  // namespace tessera::desktop
