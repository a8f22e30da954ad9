// One job in full: its picture before and after, where they differ, what was found; or why there is none.
#pragma once

#include <QThreadPool>
#include <QWidget>
#include <optional>
#include <stop_token>

#include "jobs/findings.hpp"
#include "jobs/image_loading.hpp"
#include "jobs/job_record.hpp"

class QAction;
class QButtonGroup;
class QComboBox;
class QLabel;
class QProgressBar;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace tessera::desktop {

class CompareView;

class JobDetails : public QWidget {
  Q_OBJECT

 public:
  /// `actions` are shown as buttons below the name, those that are disabled are hidden.
  explicit JobDetails(const QList<QAction*>& actions, QWidget* parent = nullptr);
  ~JobDetails() override;

  /// Shows this job, or that it has changed.
  void show_job(const JobRecord& job);
  void show_nothing();
  [[nodiscard]] QString key() const { return job_ ? job_->key : QString(); }

 Q_SIGNALS:
  /// The job is done, and its result is not on this computer yet.
  void result_wanted(const QString& key);
  void status_message(const QString& text);

 private:
  [[nodiscard]] QWidget* make_compare_page();
  [[nodiscard]] QWidget* make_difference_page();
  [[nodiscard]] QWidget* make_findings_page();
  [[nodiscard]] QWidget* make_message_page();
  void show_header();
  void show_message(const QString& title, const QString& text, bool failure, std::optional<double> fraction);
  void show_findings();
  void save_findings();
  void load_pictures();
  void load_difference();
  /// Runs on another thread, unless another job is shown before.
  void load(std::function<std::function<void()>(const std::stop_token& stop)> work);

  std::optional<JobRecord> job_;
  FindingsLists findings_;

  QLabel* name_;
  QLabel* pipeline_;
  QLabel* facts_;
  QWidget* header_;
  QStackedWidget* pages_;
  QTabWidget* tabs_;
  CompareView* compare_;
  QLabel* compare_note_;
  CompareView* heat_;
  QLabel* heat_note_;
  QWidget* heat_scale_;
  QComboBox* findings_choice_;
  QTableView* findings_table_;
  FindingsModel* findings_model_;
  QWidget* findings_page_;
  QLabel* message_title_;
  QLabel* message_text_;
  QProgressBar* message_bar_;
  CompareView* message_picture_;

  QString pictures_of_;  ///< what is loaded or being loaded: key and file of the result
  QString difference_of_;
  std::stop_source stop_;
  QThreadPool loader_;
};

}  // namespace tessera::desktop
