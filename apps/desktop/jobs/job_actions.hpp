// SPDX-License-Identifier: Apache-2.0
// What can be done to jobs: as actions for buttons, menus and keys, and for a button of a row.
#pragma once

#include <QAction>
#include <QKeySequence>
#include <QList>
#include <QObject>
#include <functional>

#include "jobs/job_delegate.hpp"
#include "jobs/model/job_record.hpp"

namespace tessera::desktop {

class Backends;
class ResultSaver;
struct JobTotals;

class JobActions : public QObject {
  Q_OBJECT

 public:
  using Jobs = std::function<QList<JobRecord>()>;
  /// The keys work in `widget` and all within it, and questions are asked over it. Everything must live as
  /// long.
  JobActions(Backends& places, ResultSaver& saver, Jobs selected, Jobs all, QWidget* widget);

  /// Of the selected jobs: to save, link, show in the folder, try again, cancel, remove.
  [[nodiscard]] QList<QAction*> for_selected() const {
    return {save_, copy_link_, reveal_, retry_, cancel_, remove_};
  }
  /// Of all jobs: to cancel, try failed again, clear finished, save.
  [[nodiscard]] QList<QAction*> for_all() const {
    return {cancel_all_, retry_failed_, clear_finished_, save_all_};
  }
  [[nodiscard]] QAction* remove_action() const { return remove_; }

  /// Enables what can be done now: to the selected jobs, and to all of which these are the totals.
  void update_selected();
  void update_all(const JobTotals& totals);
  /// The button of a row was pressed.
  void press(const JobRecord& job, RowButton button);

 private:
  [[nodiscard]] QAction* add(const QString& text, const QString& tip, const QKeySequence& keys,
                             const std::function<void()>& work);
  void make_selected_actions();
  void make_all_actions();
  void save(QList<JobRecord> jobs);
  void save_all();
  void cancel(QList<JobRecord> jobs);
  void retry(const QList<JobRecord>& jobs);
  void forget(QList<JobRecord> jobs);
  void copy_link();
  void reveal_result();

  Backends& places_;
  ResultSaver& saver_;
  Jobs selected_;
  Jobs all_;
  QWidget* widget_;

  QAction* save_;
  QAction* copy_link_;
  QAction* reveal_;
  QAction* retry_;
  QAction* cancel_;
  QAction* remove_;
  QAction* cancel_all_;
  QAction* retry_failed_;
  QAction* clear_finished_;
  QAction* save_all_;
};

}  // namespace tessera::desktop
