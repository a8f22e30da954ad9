// SPDX-License-Identifier: Apache-2.0
#include "jobs/job_details.hpp"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QStackedWidget>
#include <QTabBar>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include "base/error.hpp"
#include "jobs/local/local_run.hpp"
#include "jobs/model/job_list_model.hpp"
#include "results/compare_page.hpp"
#include "results/difference_page.hpp"
#include "results/findings_page.hpp"
#include "view/muted_label.hpp"
#include "widgets/image_loading.hpp"
#include "widgets/message_page.hpp"

namespace tessera::desktop {
namespace {

QString size_text(QSize size) { return QStringLiteral("%1 × %2").arg(size.width()).arg(size.height()); }

Picture picture_of(ShownImage loaded) { return {loaded.full_size, std::move(loaded.image), {}, {}}; }

}  // namespace

JobDetails::JobDetails(const QList<QAction*>& actions, QWidget* parent)
    : QWidget(parent),
      name_(new QLabel),
      pipeline_(muted_label()),
      facts_(muted_label()),
      warnings_(new QLabel),
      header_(make_header(actions)),
      pages_(new QStackedWidget),
      tabs_(new QTabWidget),
      compare_(new ComparePage),
      difference_(new DifferencePage(work_)),
      findings_(new FindingsPage(this)),
      message_(new MessagePage) {
  findings_->hide();
  connect(findings_, &FindingsPage::status_message, this, &JobDetails::status_message);
  tabs_->setAccessibleName(tr("What is shown of the job"));
  tabs_->tabBar()->setAccessibleName(tabs_->accessibleName());
  tabs_->addTab(compare_, tr("&Compare"));
  tabs_->addTab(difference_, tr("&Difference"));

  auto* const nothing = new QLabel(tr("Select a job to see its result."));
  nothing->setAlignment(Qt::AlignCenter);
  nothing->setForegroundRole(QPalette::PlaceholderText);
  pages_->addWidget(nothing);
  pages_->addWidget(tabs_);
  pages_->addWidget(message_);

  auto* const layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(header_);
  layout->addWidget(pages_, 1);
  setAccessibleName(tr("Details of the job"));
  show_nothing();
}

JobDetails::~JobDetails() = default;

QWidget* JobDetails::make_header(const QList<QAction*>& actions) {
  QFont font = name_->font();
  font.setWeight(QFont::DemiBold);
  font.setPointSizeF(font.pointSizeF() * 1.2);
  name_->setFont(font);
  name_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  name_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  pipeline_->setWordWrap(true);
  auto* const buttons = new QHBoxLayout;
  for (QAction* const action : actions) {
    auto* const button = new QToolButton;
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    button->setAutoRaise(false);
    const auto follow = [button, action] { button->setVisible(action->isEnabled()); };
    connect(action, &QAction::changed, button, follow);
    follow();
    buttons->addWidget(button);
  }
  buttons->addStretch();
  auto* const header = new QWidget;
  auto* const column = new QVBoxLayout(header);
  column->addWidget(name_);
  column->addWidget(pipeline_);
  column->addWidget(facts_);
  warnings_->setWordWrap(true);
  warnings_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  warnings_->setTextFormat(Qt::PlainText);
  warnings_->setAccessibleName(tr("What was left out or converted"));
  column->addWidget(warnings_);
  column->addLayout(buttons);
  return header;
}

void JobDetails::forget_what_is_shown() {
  work_.drop();
  original_of_.clear();
  result_file_.clear();
  difference_->clear();
}

void JobDetails::show_nothing() {
  job_.reset();
  forget_what_is_shown();
  header_->hide();
  pages_->setCurrentIndex(0);
}

void JobDetails::show_job(const JobRecord& job) {
  const bool other = !job_ || job_->key != job.key;
  if (other) {
    forget_what_is_shown();
  }
  const bool new_findings = other || job.findings_file != job_->findings_file;
  job_ = job;
  show_header();
  if (new_findings) {
    show_findings();
  }
  show_state();
  load_pictures();
  difference_->set_files(job.file, job.phase == JobPhase::done ? job.result_file : QString());
}

void JobDetails::focus_result() {
  if (job_ && pages_->currentWidget() == tabs_) {
    tabs_->currentWidget()->setFocus();
  }
}

void JobDetails::show_header() {
  header_->show();
  name_->setText(job_->name);
  name_->setToolTip(job_->file);
  pipeline_->setText(job_->pipeline_text);
  QStringList facts;
  facts += job_->place == JobPlace::server ? tr("On the server") : tr("On this computer");
  if (job_->phase == JobPhase::done) {
    facts += size_text(job_->result_size);
    facts += QLocale().formattedDataSize(job_->result_bytes, 1, QLocale::DataSizeSIFormat);
    facts += job_->result_name;
    if (job_->saved) {
      facts += tr("saved");
    }
  }
  facts_->setText(facts.join(QStringLiteral("  ·  ")));
  warnings_->setText(job_->warnings.join(QLatin1Char('\n')));
  warnings_->setVisible(job_->phase == JobPhase::done && !job_->warnings.isEmpty());
}

void JobDetails::show_state() {
  using Kind = MessagePage::Kind;
  pages_->setCurrentWidget(job_->phase == JobPhase::done ? static_cast<QWidget*>(tabs_) : message_);
  switch (job_->phase) {
    case JobPhase::done:
      if (job_->result_file.isEmpty()) {
        compare_->set_note(tr("Fetching the result…"));
        Q_EMIT result_wanted(job_->key);
      }
      break;
    case JobPhase::failed:
      message_->set_message(Kind::failure, tr("This image could not be processed."), job_->failure,
                            std::nullopt);
      break;
    case JobPhase::cancelled:
      message_->set_message(Kind::progress, tr("Cancelled."),
                            tr("There is no result. “Try again” begins anew."), std::nullopt);
      break;
    default:
      message_->set_message(Kind::progress, status_text(*job_), job_->detail, job_->fraction);
  }
}

void JobDetails::show_findings() {
  std::vector<Findings> lists;
  if (!job_->findings_file.isEmpty()) {
    try {
      lists = read_findings(job_->findings_file);
    } catch (const Error& error) {
      Q_EMIT status_message(QString::fromStdString(error.what()));
    }
  }
  const int tab = tabs_->indexOf(findings_);
  if (lists.empty()) {
    if (tab >= 0) {
      tabs_->removeTab(tab);
      findings_->setParent(this);
      findings_->hide();
    }
    return;
  }
  const QString title = tr("Fo&und (%1)").arg(job_->found);
  if (tab < 0) {
    tabs_->addTab(findings_, title);
  } else {
    tabs_->setTabText(tab, title);
  }
  findings_->set_findings(std::move(lists), job_->name);
}

void JobDetails::load_pictures() {
  if (original_of_ != job_->key) {
    original_of_ = job_->key;
    compare_->clear();
    const bool known = !job_->file.isEmpty();
    message_->set_picture_placeholder(known ? tr("Loading the picture…") : QString());
    if (known) {
      work_.start(
          [this, file = job_->file](const std::stop_token& stop) -> CancellableTask::Show {
            return [this, picture = picture_of(load_image(file, max_shown_pixels, stop))] {
              compare_->set_before(picture);
              message_->set_picture(picture);
            };
          },
          [this](const QString& sentence) { message_->set_picture_placeholder(sentence); });
    }
  }
  const QString result = job_->phase == JobPhase::done ? job_->result_file : QString();
  if (result == result_file_) {
    return;
  }
  result_file_ = result;
  if (result.isEmpty()) {
    return;
  }
  work_.start(
      [this, result](const std::stop_token& stop) -> CancellableTask::Show {
        ShownImage loaded = load_image(result, max_shown_pixels, stop);
        const int reduced_by = loaded.reduced_by;
        return [this, reduced_by, picture = picture_of(std::move(loaded))] {
          compare_->set_after(picture);
          compare_->set_note(reduced_by > 1 ? tr("shown at 1/%1 of its size").arg(reduced_by) : QString());
        };
      },
      [this](const QString& sentence) { compare_->set_note(sentence); });
}

}  // namespace tessera::desktop
