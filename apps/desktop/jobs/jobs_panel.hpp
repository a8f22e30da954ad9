// The page of jobs: where they run, how far they are, and what came of them.
#pragma once

#include <QSet>
#include <QWidget>
#include <functional>
#include <memory>
#include <vector>

#include "jobs/job_backend.hpp"
#include "jobs/submission.hpp"

class QAction;
class QComboBox;
class QFrame;
class QLabel;
class QLineEdit;
class QListView;
class QProgressBar;
class QPushButton;
class QSplitter;
class QStackedWidget;

namespace tessera::desktop {

class JobDelegate;
class JobDetails;
class JobFilter;
class JobListModel;
struct GroupEnd;
class LocalBackend;
class ResultSaver;
class ServerBackend;
class Thumbnails;

class JobsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit JobsPanel(QWidget* parent = nullptr);
  ~JobsPanel() override;

  /// Sends them to the place that is chosen. If that is a server and none is set up, asks for it; if the user
  /// does not want to say, nothing is submitted, and status_message() tells so.
  void submit(std::vector<Submission> submissions);

  /// "This computer", or the server's name: where submit() sends images.
  [[nodiscard]] QString place_name() const;
  /// To be asked when the window is about to close. If jobs would stop, asks the user whether they may;
  /// false: the window should stay open. Nothing is lost either way.
  [[nodiscard]] bool may_close();

  /// Asks for the server's address and token.
  void edit_server();

 Q_SIGNALS:
  void status_message(QString text);
  void active_jobs_changed(int running);
  void place_changed(QString name);

 private:
  void make_actions();
  [[nodiscard]] QWidget* make_top_bar();
  [[nodiscard]] QWidget* make_banner();
  [[nodiscard]] QWidget* make_content();
  [[nodiscard]] QWidget* make_bottom_bar();
  void open_local();
  void open_server();
  void connect_backend(JobBackend* backend);
  void fill_places();
  void choose_place(int index);

  [[nodiscard]] JobBackend* backend_of(JobPlace place) const;
  [[nodiscard]] QList<JobRecord> selected() const;
  /// Calls for each place with the keys of those jobs that are there.
  void each_place(const QList<JobRecord>& jobs,
                  const std::function<void(JobBackend&, const QStringList&)>& work);

  void take_jobs(const QList<JobRecord>& jobs);
  void result_fetched(JobBackend& backend, const QString& key, const QString& file);
  void trouble(const QString& key, const QString& sentence);
  void link_made(const QString& url, const QDateTime& expires);
  void want_thumbnail(const QString& key);
  void show_current();
  void update_actions();
  void update_totals();
  void show_connection();
  void tell_end(const GroupEnd& end);

  void cancel(const QList<JobRecord>& jobs);
  void retry(const QList<JobRecord>& jobs);
  void forget(const QList<JobRecord>& jobs);
  void save(const QList<JobRecord>& jobs);
  void reveal_job(const JobRecord& job);

  std::unique_ptr<LocalBackend> local_;
  std::unique_ptr<ServerBackend> server_;
  JobPlace place_ = JobPlace::this_computer;
  JobListModel* model_;
  JobFilter* filter_;
  Thumbnails* thumbnails_;
  ResultSaver* saver_;
  JobDelegate* delegate_;

  QComboBox* places_;
  QComboBox* filter_choice_;
  QLineEdit* search_;
  QFrame* banner_;
  QLabel* banner_text_;
  QPushButton* banner_button_;
  QPushButton* banner_settings_;
  QStackedWidget* content_;
  QSplitter* splitter_;
  QListView* list_;
  JobDetails* details_;
  QLabel* progress_label_;
  QProgressBar* progress_;

  QSet<QString> fetched_for_thumbnail_;
  bool selects_newest_ = false;  ///< once the jobs that were just submitted are in the list

  QAction* save_;
  QAction* save_all_;
  QAction* copy_link_;
  QAction* reveal_;
  QAction* retry_;
  QAction* cancel_;
  QAction* remove_;
  QAction* cancel_all_;
  QAction* retry_failed_;
  QAction* clear_finished_;
};

}  // namespace tessera::desktop
