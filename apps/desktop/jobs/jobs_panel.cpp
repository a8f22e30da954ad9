#include "jobs/jobs_panel.hpp"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDesktopServices>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QLocale>
#include <QMenu>
#include <QMessageBox>
#include <QProgressBar>
#include <QPushButton>
#include <QSettings>
#include <QSplitter>
#include <QStackedWidget>
#include <QToolButton>
#include <QUrl>
#include <QVBoxLayout>

#include "core/error.hpp"
#include "jobs/desktop_services.hpp"
#include "jobs/job_delegate.hpp"
#include "jobs/job_details.hpp"
#include "jobs/job_filter.hpp"
#include "jobs/job_list_model.hpp"
#include "jobs/local_backend.hpp"
#include "jobs/result_saver.hpp"
#include "jobs/server_backend.hpp"
#include "jobs/server_dialog.hpp"
#include "jobs/thumbnails.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* place_setting = "jobs/place";
constexpr const char* splitter_setting = "jobs/splitter";
/// Bigger results are fetched only when the user selects them or saves them.
constexpr qint64 most_fetched_for_thumbnail = qint64{16} << 20;
enum PlaceItem { item_this_computer, item_server, item_edit };

QString host_of(const ServerSettings& settings) { return QUrl(settings.address).authority(); }

}  // namespace

JobsPanel::JobsPanel(QWidget* parent)
    : QWidget(parent),
      model_(new JobListModel(this)),
      filter_(new JobFilter(this)),
      thumbnails_(new Thumbnails(QSize(thumbnail_width, thumbnail_height) * devicePixelRatioF(), this)),
      saver_(new ResultSaver(this)),
      delegate_(new JobDelegate(this)) {
  filter_->setSourceModel(model_);
  make_actions();
  auto* const layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(make_top_bar());
  layout->addWidget(make_banner());
  layout->addWidget(make_content(), 1);
  layout->addWidget(make_bottom_bar());

  connect(model_, &JobListModel::totals_changed, this, &JobsPanel::update_totals);
  connect(model_, &JobListModel::group_ended, this, &JobsPanel::tell_end);
  connect(thumbnails_, &Thumbnails::made, model_, &JobListModel::set_thumbnail);
  connect(delegate_, &JobDelegate::thumbnail_wanted, this, &JobsPanel::want_thumbnail);
  connect(delegate_, &JobDelegate::button_pressed, this, [this](const QString& key, RowButton button) {
    const JobRecord* const job = model_->find(key);
    if (job == nullptr) {
      return;
    }
    switch (button) {
      case RowButton::cancel:
        return cancel({*job});
      case RowButton::retry:
        return retry({*job});
      case RowButton::save:
        return save({*job});
      case RowButton::none:
        return;
    }
  });
  connect(saver_, &ResultSaver::message, this, &JobsPanel::status_message);
  connect(saver_, &ResultSaver::failed, this,
          [this](const QString& text) { QMessageBox::warning(this, tr("Not everything was saved"), text); });

  open_local();
  open_server();
  place_ = QSettings().value(place_setting).toString() == "server" && server_ ? JobPlace::server
                                                                              : JobPlace::this_computer;
  fill_places();
  update_totals();
  update_actions();
}

JobsPanel::~JobsPanel() {
  QSettings().setValue(splitter_setting, splitter_->saveState());
  // Models hear nothing of backends that end.
  server_.reset();
  local_.reset();
}

void JobsPanel::make_actions() {
  const auto add = [this](const QString& text, const QString& tip, const QKeySequence& keys,
                          const std::function<void()>& work) {
    auto* const action = new QAction(text, this);
    action->setToolTip(keys.isEmpty() ? tip
                                      : tr("%1 (%2)").arg(tip, keys.toString(QKeySequence::NativeText)));
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, work);
    addAction(action);
    return action;
  };
  save_ = add(tr("Save…"), tr("Save the results of the selected jobs"), QKeySequence("Ctrl+S"), [this] {
    QList<JobRecord> done = selected();
    done.removeIf([](const JobRecord& job) { return job.phase != JobPhase::done; });
    save(done);
  });
  copy_link_ = add(tr("Copy link"), tr("Copy a link to the result, for others to open"),
                   QKeySequence("Ctrl+L"), [this] {
                     for (const JobRecord& job : selected()) {
                       if (job.phase == JobPhase::done && backend_of(job.place) != nullptr) {
                         return backend_of(job.place)->make_link(job.key);
                       }
                     }
                   });
  reveal_ =
      add(tr("Show in folder"), tr("Show the result in the file manager"), QKeySequence("Ctrl+J"), [this] {
        for (const JobRecord& job : selected()) {
          return reveal_job(job);
        }
      });
  retry_ = add(tr("Try again"), tr("Begin anew what failed or was cancelled"), QKeySequence("Ctrl+R"),
               [this] { retry(selected()); });
  cancel_ = add(tr("Cancel"), tr("Stop the selected jobs"), QKeySequence("Ctrl+Backspace"),
                [this] { cancel(selected()); });
  remove_ = add(tr("Remove from the list"), tr("Forget the selected jobs"), QKeySequence::Delete,
                [this] { forget(selected()); });
  const auto all = [this] { return QList<JobRecord>(model_->jobs().begin(), model_->jobs().end()); };
  save_all_ =
      add(tr("Save all…"), tr("Save all results into a folder"), QKeySequence("Ctrl+Shift+S"), [=, this] {
        QList<JobRecord> done = all();
        done.removeIf([](const JobRecord& job) { return job.phase != JobPhase::done; });
        QList<JobRecord> fresh = done;
        fresh.removeIf([](const JobRecord& job) { return job.saved; });
        save(fresh.isEmpty() ? done : fresh);
      });
  cancel_all_ =
      add(tr("Cancel all"), tr("Stop everything that is under way"), {}, [=, this] { cancel(all()); });
  retry_failed_ =
      add(tr("Try failed again"), tr("Begin anew all that failed"), QKeySequence("Ctrl+Shift+R"), [=, this] {
        QList<JobRecord> failed = all();
        failed.removeIf([](const JobRecord& job) { return job.phase != JobPhase::failed; });
        retry(failed);
      });
  clear_finished_ = add(tr("Clear finished"), tr("Take everything that is over out of the list"), {},
                        [=, this] { forget(all()); });
}

QWidget* JobsPanel::make_top_bar() {
  places_ = new QComboBox;
  places_->setAccessibleName(tr("Where images are processed"));
  connect(places_, &QComboBox::activated, this, &JobsPanel::choose_place);
  auto* const label = new QLabel(tr("Process o&n:"));
  label->setBuddy(places_);
  filter_choice_ = new QComboBox;
  filter_choice_->setAccessibleName(tr("Which jobs are listed"));
  filter_choice_->addItems({tr("All jobs"), tr("Under way"), tr("Done"), tr("Failed or cancelled")});
  connect(filter_choice_, &QComboBox::currentIndexChanged, this, [this](int index) {
    filter_->set_which(static_cast<JobFilter::Which>(index));
    update_totals();
  });
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Find a job"));
  search_->setAccessibleName(tr("Find a job"));
  search_->setClearButtonEnabled(true);
  search_->setMaximumWidth(fontMetrics().averageCharWidth() * 28);
  connect(search_, &QLineEdit::textChanged, this, [this](const QString& words) {
    filter_->set_words(words);
    update_totals();
  });
  auto* const bar = new QWidget;
  auto* const layout = new QHBoxLayout(bar);
  layout->addWidget(label);
  layout->addWidget(places_);
  layout->addStretch();
  layout->addWidget(filter_choice_);
  layout->addWidget(search_, 1);
  return bar;
}

QWidget* JobsPanel::make_banner() {
  banner_ = new QFrame;
  banner_->setAutoFillBackground(true);
  QPalette colors = palette();
  colors.setColor(QPalette::Window, QColor(0xff, 0xe0, 0x82));
  colors.setColor(QPalette::WindowText, QColor(0x3a, 0x2c, 0x00));
  banner_->setPalette(colors);
  banner_text_ = new QLabel;
  banner_text_->setWordWrap(true);
  banner_text_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  banner_button_ = new QPushButton(tr("Try now"));
  banner_settings_ = new QPushButton(tr("Settings…"));
  for (QPushButton* const button : {banner_button_, banner_settings_}) {
    button->setPalette(palette());
  }
  connect(banner_button_, &QPushButton::clicked, this, [this] {
    if (server_) {
      server_->reconnect();
    }
  });
  connect(banner_settings_, &QPushButton::clicked, this, &JobsPanel::edit_server);
  auto* const layout = new QHBoxLayout(banner_);
  layout->addWidget(banner_text_, 1);
  layout->addWidget(banner_button_);
  layout->addWidget(banner_settings_);
  banner_->hide();
  return banner_;
}

QWidget* JobsPanel::make_content() {
  list_ = new QListView;
  list_->setModel(filter_);
  list_->setItemDelegate(delegate_);
  list_->setUniformItemSizes(true);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setAccessibleName(tr("Jobs"));
  list_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(list_, &QListView::customContextMenuRequested, this, [this](QPoint at) {
    QMenu menu;
    for (QAction* const action : {save_, copy_link_, reveal_, retry_, cancel_, remove_}) {
      menu.addAction(action);
    }
    menu.exec(list_->viewport()->mapToGlobal(at));
  });
  connect(list_->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
    show_current();
    update_actions();
  });
  details_ = new JobDetails({save_, copy_link_, reveal_, retry_, cancel_});
  connect(details_, &JobDetails::status_message, this, &JobsPanel::status_message);
  connect(details_, &JobDetails::result_wanted, this, [this](const QString& key) {
    if (const JobRecord* const job = model_->find(key); job != nullptr && backend_of(job->place) != nullptr) {
      backend_of(job->place)->fetch_result(key);
    }
  });
  splitter_ = new QSplitter(Qt::Horizontal);
  splitter_->addWidget(list_);
  splitter_->addWidget(details_);
  splitter_->setChildrenCollapsible(false);
  splitter_->setStretchFactor(0, 2);
  splitter_->setStretchFactor(1, 3);
  splitter_->setSizes({480, 720});
  splitter_->restoreState(QSettings().value(splitter_setting).toByteArray());

  const auto centred = [](const QString& title, const QString& text) {
    auto* const label = new QLabel(QStringLiteral("<h3>%1</h3><p>%2</p>").arg(title, text));
    label->setAlignment(Qt::AlignCenter);
    label->setWordWrap(true);
    label->setMargin(40);
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
  };
  content_ = new QStackedWidget;
  content_->addWidget(splitter_);
  content_->addWidget(
      centred(tr("No jobs yet"), tr("Add images, choose what is to be done to them, and process them. "
                                    "Here you see how far they are, and get the results.")));
  content_->addWidget(centred(tr("No such job"), tr("Choose “All jobs”, or search for something else.")));
  content_->setFrameShape(QFrame::StyledPanel);
  return content_;
}

QWidget* JobsPanel::make_bottom_bar() {
  progress_label_ = new QLabel;
  progress_ = new QProgressBar;
  progress_->setRange(0, 1000);
  progress_->setTextVisible(false);
  progress_->setAccessibleName(tr("Progress of all jobs"));
  auto* const bar = new QWidget;
  auto* const layout = new QHBoxLayout(bar);
  layout->addWidget(progress_label_);
  layout->addWidget(progress_, 1);
  layout->addStretch();
  for (QAction* const action : {cancel_all_, retry_failed_, clear_finished_, save_all_}) {
    auto* const button = new QToolButton;
    button->setDefaultAction(action);
    button->setFocusPolicy(Qt::StrongFocus);
    layout->addWidget(button);
  }
  return bar;
}

void JobsPanel::open_local() {
  try {
    local_ = std::make_unique<LocalBackend>(default_local_options());
    connect_backend(local_.get());
  } catch (const Error& error) {
    banner_text_->setText(QString::fromStdString(error.what()));
    banner_->show();
  }
}

void JobsPanel::open_server() {
  QStringList keys;
  if (server_) {
    for (const JobRecord& job : server_->jobs()) {
      keys += job.key;
    }
  }
  server_.reset();
  model_->remove(keys);
  const ServerSettings settings = load_server_settings();
  if (problem_with(settings)) {
    show_connection();
    return;
  }
  try {
    server_ = std::make_unique<ServerBackend>(default_server_options(client_options(settings)));
    connect_backend(server_.get());
  } catch (const Error& error) {
    Q_EMIT status_message(QString::fromStdString(error.what()));
  }
  show_connection();
}

void JobsPanel::connect_backend(JobBackend* backend) {
  connect(backend, &JobBackend::jobs_changed, this, &JobsPanel::take_jobs);
  connect(backend, &JobBackend::jobs_forgotten, model_, &JobListModel::remove);
  connect(backend, &JobBackend::trouble, this, &JobsPanel::trouble);
  connect(backend, &JobBackend::link_made, this,
          [this](const QString&, const QString& url, const QDateTime& expires) { link_made(url, expires); });
  connect(backend, &JobBackend::connection_changed, this, &JobsPanel::show_connection);
  connect(backend, &JobBackend::result_fetched, this,
          [this, backend](const QString& key, const QString& file) { result_fetched(*backend, key, file); });
  const std::vector<JobRecord> jobs = backend->jobs();
  take_jobs(QList<JobRecord>(jobs.begin(), jobs.end()));
}

void JobsPanel::fill_places() {
  const ServerSettings settings = load_server_settings();
  places_->clear();
  places_->addItem(tr("This computer"), item_this_computer);
  if (server_) {
    places_->addItem(host_of(settings), item_server);
  }
  places_->insertSeparator(places_->count());
  places_->addItem(server_ ? tr("Change the server…") : tr("Set up a server…"), item_edit);
  places_->setCurrentIndex(place_ == JobPlace::server ? 1 : 0);
  Q_EMIT place_changed(place_name());
}

QString JobsPanel::place_name() const {
  return place_ == JobPlace::server ? host_of(load_server_settings()) : tr("This computer");
}

void JobsPanel::choose_place(int index) {
  const int item = places_->itemData(index).toInt();
  if (item == item_edit) {
    places_->setCurrentIndex(place_ == JobPlace::server ? 1 : 0);
    edit_server();
    return;
  }
  place_ = item == item_server ? JobPlace::server : JobPlace::this_computer;
  QSettings().setValue(place_setting, place_ == JobPlace::server ? "server" : "this-computer");
  Q_EMIT place_changed(place_name());
}

void JobsPanel::edit_server() {
  const ServerSettings before = load_server_settings();
  ServerDialog dialog(before, this);
  if (dialog.exec() != QDialog::Accepted || dialog.settings() == before) {
    return;
  }
  const int open = server_ ? static_cast<int>(std::ranges::count_if(
                                 server_->jobs(), [](const JobRecord& job) { return !is_over(job.phase); }))
                           : 0;
  if (open > 0 && dialog.settings().address != before.address &&
      QMessageBox::question(this, tr("Another server"),
                            tr("%1 jobs are under way on '%2'. They go on there, but are not shown until you "
                               "change back to it.")
                                .arg(open)
                                .arg(before.address),
                            QMessageBox::Ok | QMessageBox::Cancel) != QMessageBox::Ok) {
    return;
  }
  if (const auto failure = save_server_settings(dialog.settings())) {
    QMessageBox::warning(this, tr("Server"), *failure);
    return;
  }
  open_server();
  place_ = server_ ? JobPlace::server : JobPlace::this_computer;
  QSettings().setValue(place_setting, server_ ? "server" : "this-computer");
  fill_places();
}

JobBackend* JobsPanel::backend_of(JobPlace place) const {
  return place == JobPlace::server ? static_cast<JobBackend*>(server_.get())
                                   : static_cast<JobBackend*>(local_.get());
}

void JobsPanel::submit(std::vector<Submission> submissions) {
  if (submissions.empty()) {
    return;
  }
  JobBackend* const backend = backend_of(place_);
  if (backend == nullptr) {
    QMessageBox::warning(
        this, tr("Nothing was submitted"),
        tr("'%1' cannot be used: choose another place to process images.").arg(place_name()));
    return;
  }
  const auto count = submissions.size();
  selects_newest_ = true;
  backend->submit(std::move(submissions));
  filter_choice_->setCurrentIndex(0);
  search_->clear();
  Q_EMIT status_message(place_ == JobPlace::server
                            ? tr("Images being sent to %1: %2.").arg(place_name()).arg(count)
                            : tr("Images being processed on this computer: %1.").arg(count));
}

bool JobsPanel::may_close() {
  const int local = local_ ? local_->jobs_that_need_the_program() : 0;
  const int unsent = server_ ? server_->jobs_that_need_the_program() : 0;
  if (local + unsent == 0) {
    return true;
  }
  QStringList sentences;
  if (local > 0) {
    sentences += local == 1
                     ? tr("1 image is being processed on this computer. It stops now, and begins anew "
                          "when you open Tessera again.")
                     : tr("%1 images are being processed on this computer. They stop now, and begin anew "
                          "when you open Tessera again.")
                           .arg(local);
  }
  if (unsent > 0) {
    sentences += unsent == 1
                     ? tr("1 image is not sent to the server yet. It will be when you open Tessera again.")
                     : tr("%1 images are not sent to the server yet. They will be when you open Tessera "
                          "again.")
                           .arg(unsent);
  }
  QMessageBox box(QMessageBox::Question, tr("Close Tessera?"), sentences.join("\n\n"), {}, this);
  const auto* const close = box.addButton(tr("Close"), QMessageBox::AcceptRole);
  box.setDefaultButton(box.addButton(tr("Keep open"), QMessageBox::RejectRole));
  box.exec();
  return box.clickedButton() == close;
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

void JobsPanel::each_place(const QList<JobRecord>& jobs,
                           const std::function<void(JobBackend&, const QStringList&)>& work) {
  for (const JobPlace place : {JobPlace::this_computer, JobPlace::server}) {
    QStringList keys;
    for (const JobRecord& job : jobs) {
      if (job.place == place) {
        keys += job.key;
      }
    }
    if (JobBackend* const backend = backend_of(place); backend != nullptr && !keys.isEmpty()) {
      work(*backend, keys);
    }
  }
}

void JobsPanel::take_jobs(const QList<JobRecord>& jobs) {
  const int rows = model_->rowCount();
  model_->take(jobs);
  if (model_->rowCount() > rows && filter_->rowCount() > 0 && (rows == 0 || selects_newest_)) {
    selects_newest_ = false;
    list_->setCurrentIndex(filter_->index(0, 0));
    list_->scrollToTop();
  }
  for (const JobRecord& job : jobs) {
    if (job.key == details_->key()) {
      details_->show_job(job);
    }
  }
  update_actions();
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

void JobsPanel::update_actions() {
  const QList<JobRecord> jobs = selected();
  const auto any = [&](const std::function<bool(const JobRecord&)>& condition) {
    return std::ranges::any_of(jobs, condition);
  };
  const bool done = any([](const JobRecord& job) { return job.phase == JobPhase::done; });
  save_->setEnabled(done);
  copy_link_->setEnabled(jobs.size() == 1 && done && backend_of(jobs.front().place) != nullptr &&
                         backend_of(jobs.front().place)->has_links());
  reveal_->setEnabled(jobs.size() == 1 && done && !jobs.front().result_file.isEmpty());
  retry_->setEnabled(any([](const JobRecord& job) {
    return job.phase == JobPhase::failed || job.phase == JobPhase::cancelled;
  }));
  cancel_->setEnabled(any([](const JobRecord& job) { return !is_over(job.phase); }));
  remove_->setEnabled(any([](const JobRecord& job) { return is_over(job.phase); }));
}

void JobsPanel::update_totals() {
  const JobTotals& totals = model_->totals();
  content_->setCurrentIndex(totals.all == 0 ? 1 : filter_->rowCount() == 0 ? 2 : 0);
  const bool under_way = totals.under_way() > 0;
  QString text = progress_text(totals);
  if (text.isEmpty() && totals.all > 0) {
    text = totals.failed > 0 ? tr("%1 done, %2 failed").arg(totals.done).arg(totals.failed)
                             : tr("%1 done").arg(totals.done);
  }
  progress_label_->setText(text);
  progress_->setVisible(under_way);
  progress_->setValue(static_cast<int>(totals.fraction * 1000));
  cancel_all_->setEnabled(under_way);
  retry_failed_->setEnabled(totals.failed > 0);
  clear_finished_->setEnabled(totals.done + totals.failed + totals.cancelled > 0);
  save_all_->setEnabled(totals.done > 0);
  Q_EMIT active_jobs_changed(totals.under_way());
}

void JobsPanel::show_connection() {
  const Connection connection = server_ ? server_->connection() : Connection{};
  const QString host = host_of(load_server_settings());
  switch (connection.state) {
    case Connection::State::lost:
      banner_text_->setText(tr("The connection to %1 is lost. Tessera keeps trying, and then catches up with "
                               "what has happened. %2")
                                .arg(host, connection.reason));
      break;
    case Connection::State::refused:
      banner_text_->setText(tr("%1 cannot be used: %2").arg(host, connection.reason));
      break;
    default:
      if (!banner_->isHidden() && connection.state == Connection::State::connected) {
        Q_EMIT status_message(tr("Connected to %1.").arg(host));
      }
      banner_->setVisible(local_ == nullptr);
      return;
  }
  banner_->show();
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
  JobBackend* const backend = backend_of(job->place);
  if (job->phase == JobPhase::done && job->result_file.isEmpty() && backend != nullptr &&
      job->result_bytes <= most_fetched_for_thumbnail && !fetched_for_thumbnail_.contains(key)) {
    fetched_for_thumbnail_.insert(key);  // once: if it fails, the user may still want it
    backend->fetch_result(key);
  }
}

void JobsPanel::result_fetched(JobBackend& backend, const QString& key, const QString& file) {
  if (const JobRecord* const job = model_->find(key)) {
    saver_->fetched(backend, *job, file);
  }
}

void JobsPanel::trouble(const QString& key, const QString& sentence) {
  const JobRecord* const job = model_->find(key);
  const QString text = job != nullptr ? tr("%1: %2").arg(job->name, sentence) : sentence;
  if (saver_->waits_for(key)) {
    saver_->not_fetched(key, text);
  } else {
    Q_EMIT status_message(text);
  }
}

void JobsPanel::link_made(const QString& url, const QDateTime& expires) {
  QApplication::clipboard()->setText(url);
  const qint64 minutes = (QDateTime::currentDateTimeUtc().secsTo(expires) + 30) / 60;
  Q_EMIT status_message(tr("The link is copied. Whoever has it can open the result until %1 (%2 minutes).")
                            .arg(QLocale().toString(expires.toLocalTime().time(), QLocale::ShortFormat))
                            .arg(minutes));
}

void JobsPanel::cancel(const QList<JobRecord>& jobs) {
  QList<JobRecord> open = jobs;
  open.removeIf([](const JobRecord& job) { return is_over(job.phase); });
  if (open.size() > 1 &&
      QMessageBox::question(this, tr("Cancel"), tr("Stop %1 jobs that are not done yet?").arg(open.size()),
                            QMessageBox::Yes | QMessageBox::No) != QMessageBox::Yes) {
    return;
  }
  each_place(open, [](JobBackend& backend, const QStringList& keys) { backend.cancel(keys); });
}

void JobsPanel::retry(const QList<JobRecord>& jobs) {
  each_place(jobs, [](JobBackend& backend, const QStringList& keys) { backend.retry(keys); });
}

void JobsPanel::forget(const QList<JobRecord>& jobs) {
  QList<JobRecord> over = jobs;
  over.removeIf([](const JobRecord& job) { return !is_over(job.phase); });
  const auto unsaved = std::ranges::count_if(
      over, [](const JobRecord& job) { return job.phase == JobPhase::done && !job.saved; });
  if (unsaved > 0) {
    QMessageBox box(QMessageBox::Question, tr("Remove from the list"),
                    unsaved == 1 ? tr("1 result has not been saved.")
                                 : tr("%1 results have not been saved.").arg(unsaved),
                    {}, this);
    box.setInformativeText(tr("They cannot be saved once they are out of the list."));
    const auto* const remove = box.addButton(tr("Remove"), QMessageBox::DestructiveRole);
    box.setDefaultButton(box.addButton(QMessageBox::Cancel));
    box.exec();
    if (box.clickedButton() != remove) {
      return;
    }
  }
  each_place(over, [](JobBackend& backend, const QStringList& keys) { backend.forget(keys); });
}

void JobsPanel::save(const QList<JobRecord>& jobs) {
  saver_->save(jobs, [this](const JobRecord& job) { return backend_of(job.place); });
}

void JobsPanel::reveal_job(const JobRecord& job) {
  if (!job.result_file.isEmpty()) {
    reveal(job.result_file);
  }
}

}  // namespace tessera::desktop
