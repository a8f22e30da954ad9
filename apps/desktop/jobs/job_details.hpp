// SPDX-License-Identifier: Apache-2.0
// One job in full: its picture before and after, where they differ, what was found; or why there is none.
#pragma once

#include <QWidget>
#include <optional>

#include "jobs/model/job_record.hpp"
#include "widgets/cancellable_task.hpp"

class QAction;
class QLabel;
class QStackedWidget;
class QTabWidget;

namespace tessera::desktop {

class ComparePage;
class DifferencePage;
class FindingsPage;
class MessagePage;

class JobDetails : public QWidget {
  Q_OBJECT

 public:
  /// `actions` are shown as buttons below the name, those that are disabled are hidden.
  explicit JobDetails(const QList<QAction*>& actions, QWidget* parent = nullptr);
  ~JobDetails() override;

  /// Shows this job, or that it has changed.
  void show_job(const JobRecord& job);
  void show_nothing();
  /// Gives the keyboard to what is shown of the job, if there is something to move around in.
  void focus_result();
  [[nodiscard]] QString key() const { return job_ ? job_->key : QString(); }

 Q_SIGNALS:
  /// The job is done, and its result is not on this computer yet.
  void result_wanted(const QString& key);
  void status_message(const QString& text);

 private:
  [[nodiscard]] QWidget* make_header(const QList<QAction*>& actions);
  void forget_what_is_shown();
  void show_header();
  void show_state();
  void show_findings();
  void load_pictures();

  std::optional<JobRecord> job_;
  QString original_of_;  ///< the key of the job whose original is loaded or being loaded
  QString result_file_;  ///< that is loaded or being loaded

  CancellableTask work_;
  QLabel* name_;
  QLabel* pipeline_;
  QLabel* facts_;
  QLabel* warnings_;
  QWidget* header_;
  QStackedWidget* pages_;
  QTabWidget* tabs_;
  ComparePage* compare_;
  DifferencePage* difference_;
  FindingsPage* findings_;
  MessagePage* message_;
};

}  // namespace tessera::desktop
