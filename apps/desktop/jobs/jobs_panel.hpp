// SPDX-License-Identifier: Apache-2.0
// The page of jobs: where they run, how far they are, and what came of them.
#pragma once

#include <QSet>
#include <QWidget>
#include <vector>

#include "jobs/model/backends.hpp"
#include "jobs/model/submission.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QListView;
class QProgressBar;
class QSplitter;
class QStackedWidget;

namespace tessera::desktop {

class ConnectionBanner;
class JobActions;
class JobDetails;
class JobFilter;
class JobListModel;
struct GroupEnd;
class ResultSaver;
class Thumbnails;

class JobsPanel : public QWidget {
  Q_OBJECT

 public:
  explicit JobsPanel(QWidget* parent = nullptr);
  ~JobsPanel() override;

  /// Sends them to the place that is chosen. If it cannot be used, says so and submits nothing.
  void submit(std::vector<Submission> submissions);

  /// "This computer", or the server's name: where submit() sends images.
  [[nodiscard]] QString place_name() const { return places_.chosen_name(); }
  /// To the server.
  [[nodiscard]] Connection connection() const { return places_.connection(); }
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
  [[nodiscard]] QWidget* make_top_bar();
  void make_banner();
  [[nodiscard]] QWidget* make_content();
  void make_list();
  void make_details();
  [[nodiscard]] QWidget* make_bottom_bar();
  void listen_to_places();

  [[nodiscard]] QList<JobRecord> selected() const;
  void take_jobs(const QList<JobRecord>& jobs);
  void take_result(const QString& key, const QString& file);
  void show_error(const QString& key, const QString& sentence);
  void take_link(const QString& url, const QDateTime& expires);
  void want_thumbnail(const QString& key);
  void show_context_menu(const QPoint& at);
  void show_current();
  void show_totals();
  void show_connection();
  void tell_end(const GroupEnd& end);

  Backends places_;
  JobListModel* model_;
  JobFilter* filter_;
  Thumbnails* thumbnails_;
  ResultSaver* saver_;
  JobActions* actions_;

  QComboBox* filter_choice_;
  QLineEdit* search_;
  ConnectionBanner* banner_;
  QStackedWidget* content_;
  QSplitter* splitter_;
  QListView* list_;
  JobDetails* details_;
  QLabel* progress_label_;
  QProgressBar* progress_;

  QSet<QString> fetched_for_thumbnail_;
  bool selects_newest_ = false;  ///< once the jobs that were just submitted are in the list
};

}  // namespace tessera::desktop
