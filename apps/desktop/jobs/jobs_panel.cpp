// SPDX-License-Identifier: Apache-2.0
#include "jobs/jobs_panel.hpp"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QLocale>
#include <QMenu>
#include <QMessageBox>
#include <QProgressBar>
#include <QSettings>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>

#include "jobs/connection_banner.hpp"
#include "jobs/job_actions.hpp"
#include "jobs/job_details.hpp"
#include "jobs/job_questions.hpp"
#include "jobs/model/job_filter.hpp"
#include "jobs/model/job_list_model.hpp"
#include "jobs/place_choice.hpp"
#include "jobs/server/server_dialog.hpp"
#include "results/result_saver.hpp"
#include "widgets/desktop_services.hpp"
#include "widgets/thumbnails.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* splitter_setting = "jobs/splitter";
/// Bigger results are fetched only when the user selects them or saves them.
constexpr qint64 max_fetched_for_thumbnail = qint64{16} << 20;
constexpr int progress_steps = 1000;
enum Page { page_jobs, page_no_jobs, page_none_found };

QLabel* empty_state(const QString& title, const QString& text) {
  auto* const label = new QLabel(QStringLiteral("<h3>%1</h3><p>%2</p>").arg(title, text));
  label->setAlignment(Qt::AlignCenter);
  label->setWordWrap(true);
  label->setMargin(40);
  label->setForegroundRole(QPalette::PlaceholderText);
  return label;
}

}  // namespace

JobsPanel::JobsPanel(QWidget* parent)
    : QWidget(parent),
      model_(new JobListModel(this)),
      filter_(new JobFilter(this)),
      thumbnails_(new Thumbnails(QSize(thumbnail_width, thumbnail_height) * devicePixelRatioF(), this)),
      saver_(new ResultSaver(this)),
      actions_(new JobActions(
          places_, *saver_, [this] { return selected(); },
          [this] { return QList<JobRecord>(model_->jobs().begin(), model_->jobs().end()); }, this)) {
  filter_->setSourceModel(model_);
  auto* const layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(make_top_bar());
  make_banner();
  layout->addWidget(banner_);
  layout->addWidget(make_content(), 1);
  layout->addWidget(make_bottom_bar());

  connect(model_, &JobListModel::totals_changed, this, &JobsPanel::show_totals);
  connect(model_, &JobListModel::group_ended, this, &JobsPanel::tell_end);
  connect(thumbnails_, &Thumbnails::made, model_, &JobListModel::set_thumbnail);
  connect(saver_, &ResultSaver::message, this, &JobsPanel::status_message);
  connect(saver_, &ResultSaver::failed, this,
          [this](const QString& text) { QMessageBox::warning(this, tr("Not everything was saved"), text); });
  listen_to_places();
  places_.open();
  show_totals();
  actions_->update_selected();
}

JobsPanel::~JobsPanel() { QSettings().setValue(splitter_setting, splitter_->saveState()); }

QWidget* JobsPanel::make_top_bar() {
  auto* const place = new PlaceChoice(places_);
  connect(place, &PlaceChoice::server_wanted, this, &JobsPanel::edit_server);
  auto* const label = new QLabel(tr("Process o&n:"));
  label->setBuddy(place);
  filter_choice_ = new QComboBox;
  filter_choice_->setAccessibleName(tr("Which jobs are listed"));
  filter_choice_->addItems({tr("All jobs"), tr("Under way"), tr("Done"), tr("Failed or cancelled")});
  connect(filter_choice_, &QComboBox::currentIndexChanged, this, [this](int index) {
    filter_->set_which(static_cast<JobFilter::Which>(index));
    show_totals();
  });
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Find a job"));
  search_->setAccessibleName(tr("Find a job"));
  search_->setClearButtonEnabled(true);
  search_->setMaximumWidth(fontMetrics().averageCharWidth() * 28);
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    filter_->set_words(words);
    show_totals();
  });
  auto* const bar = new QWidget;
  auto* const layout = new QHBoxLayout(bar);
  layout->addWidget(label);
  layout->addWidget(place);
  layout->addStretch();
  layout->addWidget(filter_choice_);
  layout->addWidget(search_, 1);
  return bar;
}

void JobsPanel::make_banner() {
  banner_ = new ConnectionBanner;
  connect(banner_, &ConnectionBanner::reconnect_wanted, this, [this] { places_.reconnect(); });
  connect(banner_, &ConnectionBanner::settings_wanted, this, &JobsPanel::edit_server);
}

QWidget* JobsPanel::make_content() {
  make_list();
  make_details();
  splitter_ = new QSplitter(Qt::Horizontal);
  splitter_->addWidget(list_);
  splitter_->addWidget(details_);
  splitter_->setChildrenCollapsible(false);
  splitter_->setStretchFactor(0, 2);
  splitter_->setStretchFactor(1, 3);
  splitter_->setSizes({480, 720});
  splitter_->restoreState(QSettings().value(splitter_setting).toByteArray());
  content_ = new QStackedWidget;
  content_->insertWidget(page_jobs, splitter_);
  content_->insertWidget(
      page_no_jobs,
      empty_state(tr("No jobs yet"), tr("Add images, choose what is to be done to them, and process them. "
                                        "Here you see how far they are, and get the results.")));
  content_->insertWidget(
      page_none_found,
      empty_state(tr("No such job"), tr("Choose “All jobs”, or search for something else.")));
  content_->setFrameShape(QFrame::StyledPanel);
  return content_;
}

void JobsPanel::make_list() {
  auto* const delegate = new JobDelegate(this);
  connect(delegate, &JobDelegate::thumbnail_wanted, this, &JobsPanel::want_thumbnail);
  connect(delegate, &JobDelegate::button_pressed, this, [this](const QString& key, RowButton button) {
    if (const JobRecord* const job = model_->find(key)) {
      actions_->press(JobRecord(*job), button);
    }
  });
  list_ = new QListView;
  list_->setModel(filter_);
  list_->setItemDelegate(delegate);
  list_->setUniformItemSizes(true);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setAccessibleName(tr("Jobs"));
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(list_, &QListView::customContextMenuRequested, this, &JobsPanel::show_context_menu);
  connect(list_, &QListView::activated, this, [this] { details_->focus_result(); });
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    show_current();
    actions_->update_selected();
  });
}

void JobsPanel::make_details() {
  // To remove a job is nothing to do by the way, while looking at it.
  QList<QAction*> buttons = actions_->for_selected();
  buttons.removeAll(actions_->remove_action());
  details_ = new JobDetails(buttons);
  connect(details_, &JobDetails::status_message, this, &JobsPanel::status_message);
  connect(details_, &JobDetails::result_wanted, this, [this](const QString& key) {
    const JobRecord* const job = model_->find(key);
    JobBackend* const place = job != nullptr ? places_.backend(job->place) : nullptr;
    if (place != nullptr) {
      place->fetch_result(key);
    }
  });
}

QWidget* JobsPanel::make_bottom_bar() {
  progress_label_ = new QLabel;
  progress_ = new QProgressBar;
  progress_->setRange(0, progress_steps);
  progress_->setTextVisible(false);
  progress_->setAccessibleName(tr("Progress of all jobs"));
  auto* const bar = new QWidget;
  auto* const layout = new QHBoxLayout(bar);
  layout->addWidget(progress_label_);
  layout->addWidget(progress_, 1);
  layout->addStretch();
  const QList<QAction*> actions = actions_->for_all();
  for (QAction* const action : actions) {
    auto* const button = new QToolButton;
    button->setDefaultAction(action);
    button->setFocusPolicy(Qt::StrongFocus);
    layout->addWidget(button);
  }
  return bar;
}

void JobsPanel::listen_to_places() {
  connect(&places_, &Backends::jobs_changed, this, &JobsPanel::take_jobs);
  connect(&places_, &Backends::jobs_forgotten, model_, &JobListModel::remove);
  connect(&places_, &Backends::result_fetched, this, &JobsPanel::take_result);
  connect(&places_, &Backends::error_reported, this, &JobsPanel::show_error);
  connect(&places_, &Backends::link_made, this, &JobsPanel::take_link);
  connect(&places_, &Backends::connection_changed, this, &JobsPanel::show_connection);
  connect(&places_, &Backends::places_changed, this, [this] { Q_EMIT place_changed(place_name()); });
}

void JobsPanel::edit_server() {
  const ServerSettings before = load_server_settings();
  ServerDialog dialog(before, this);
  if (dialog.exec() != QDialog::Accepted || dialog.settings() == before) {
    return;
  }
  const int open = places_.jobs_under_way();
  if (open > 0 && dialog.settings().address != before.address &&
      !may_leave_server(before.address, open, this)) {
    return;
  }
  if (const auto failure = places_.set_server(dialog.settings())) {
    QMessageBox::warning(this, tr("Server"), *failure);
  }
}

void JobsPanel::submit(std::vector<Submission> submissions) {
  if (submissions.empty()) {
    return;
  }
  JobBackend* const place = places_.backend(places_.chosen());
  if (place == nullptr) {
    QMessageBox::warning(
        this, tr("Nothing was submitted"),
        tr("'%1' cannot be used: choose another place to process images.").arg(place_name()));
    return;
  }
  const auto count = submissions.size();
  selects_newest_ = true;
  place->submit(std::move(submissions));
  filter_choice_->setCurrentIndex(0);
  search_->clear();
  Q_EMIT status_message(places_.chosen() == JobPlace::server
                            ? tr("Images being sent to %1: %2.").arg(place_name()).arg(count)
                            : tr("Images being processed on this computer: %1.").arg(count));
}

bool JobsPanel::may_close() {
  const auto needed = [this](JobPlace place) {
    const JobBackend* const backend = places_.backend(place);
    return backend != nullptr ? backend->jobs_that_need_the_program() : 0;
  };
  return desktop::may_close(needed(JobPlace::this_computer), needed(JobPlace::server), this);
}

QList<JobRecord> JobsPanel::selected() const {
  QModelIndexList rows = list_->selectionModel()->selectedRows();
  std::ranges::sort(rows, {}, &QModelIndex::row);
  QList<JobRecord> jobs;
  for (const QModelIndex& row : rows) {
    jobs += row.data(JobListModel::RecordRole).value<JobRecord>();
  }
  return jobs;
}

void JobsPanel::take_jobs(const QList<JobRecord>& jobs) {
  const int rows = model_->rowCount();
  model_->take(jobs);
  if (model_->rowCount() > rows && filter_->rowCount() > 0 && (rows == 0 || selects_newest_)) {
    if (selects_newest_) {
      list_->setFocus();
    }
    selects_newest_ = false;
    list_->setCurrentIndex(filter_->index(0, 0));
    list_->scrollToTop();
  }
  for (const JobRecord& job : jobs) {
    if (job.key == details_->key()) {
      details_->show_job(job);
    }
  }
  actions_->update_selected();
}

void JobsPanel::show_context_menu(const QPoint& at) {
  QMenu menu;
  menu.addActions(actions_->for_selected());
  menu.exec(list_->viewport()->mapToGlobal(at));
}

void JobsPanel::show_current() {
  const QList<JobRecord> jobs = selected();
  if (jobs.isEmpty()) {
    details_->show_nothing();
    return;
  }
  const QModelIndex current = list_->currentIndex();
  const QString key = current.data(JobListModel::KeyRole).toString();
  const auto shown = std::ranges::find(jobs, key, &JobRecord::key);
  details_->show_job(shown != jobs.end() ? *shown : jobs.front());
}

void JobsPanel::show_totals() {
  const JobTotals& totals = model_->totals();
  content_->setCurrentIndex(totals.all == 0            ? page_no_jobs
                            : filter_->rowCount() == 0 ? page_none_found
                                                       : page_jobs);
  QString text = progress_text(totals);
  if (text.isEmpty() && totals.all > 0) {
    text = totals.failed > 0 ? tr("%1 done, %2 failed").arg(totals.done).arg(totals.failed)
                             : tr("%1 done").arg(totals.done);
  }
  progress_label_->setText(text);
  progress_->setVisible(totals.under_way() > 0);
  progress_->setValue(static_cast<int>(totals.fraction * progress_steps));
  actions_->update_all(totals);
  Q_EMIT active_jobs_changed(totals.under_way());
}

void JobsPanel::show_connection() {
  const Connection connection = places_.connection();
  const bool was_shown = !banner_->isHidden();
  banner_->show_state(connection, Backends::server_name(), places_.local_problem());
  if (was_shown && connection.state == Connection::State::connected) {
    Q_EMIT status_message(tr("Connected to %1.").arg(Backends::server_name()));
  }
}

void JobsPanel::tell_end(const GroupEnd& end) {
  QString text = end.done == 1 ? tr("1 image is done") : tr("%1 images are done").arg(end.done);
  if (end.failed > 0) {
    text += tr(", %1 failed").arg(end.failed);
  }
  if (end.cancelled > 0) {
    text += tr(", %1 cancelled").arg(end.cancelled);
  }
  text += '.';
  Q_EMIT status_message(text);
  if (end.done + end.failed > 0 && !window()->isActiveWindow()) {
    notify(end.failed > 0 ? tr("Finished, but not everything worked") : tr("Finished"), text, window());
  }
}

void JobsPanel::want_thumbnail(const QString& key) {
  const JobRecord* const job = model_->find(key);
  if (job == nullptr) {
    return;
  }
  thumbnails_->want(key, job->result_file.isEmpty() ? job->file : job->result_file);
  JobBackend* const place = places_.backend(job->place);
  if (job->phase == JobPhase::done && job->result_file.isEmpty() && place != nullptr &&
      job->result_bytes <= max_fetched_for_thumbnail && !fetched_for_thumbnail_.contains(key)) {
    fetched_for_thumbnail_.insert(key);  // once: if it fails, the user may still want it
    place->fetch_result(key);
  }
}

void JobsPanel::take_result(const QString& key, const QString& file) {
  const JobRecord* const job = model_->find(key);
  if (job != nullptr && places_.backend(job->place) != nullptr) {
    saver_->fetched(*places_.backend(job->place), *job, file);
  }
}

void JobsPanel::show_error(const QString& key, const QString& sentence) {
  const JobRecord* const job = model_->find(key);
  const QString text = job != nullptr ? tr("%1: %2").arg(job->name, sentence) : sentence;
  if (saver_->waits_for(key)) {
    saver_->not_fetched(key, text);
  } else {
    Q_EMIT status_message(text);
  }
}

void JobsPanel::take_link(const QString& url, const QDateTime& expires) {
  QApplication::clipboard()->setText(url);
  const qint64 minutes = (QDateTime::currentDateTimeUtc().secsTo(expires) + 30) / 60;
  Q_EMIT status_message(tr("The link is copied. Whoever has it can open the result until %1 (%2 minutes).")
                            .arg(QLocale().toString(expires.toLocalTime().time(), QLocale::ShortFormat))
                            .arg(minutes));
}

}  // namespace tessera::desktop
