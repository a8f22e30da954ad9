#include "jobs/job_details.hpp"

#include <QAction>
#include <QButtonGroup>
#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QPainter>
#include <QProgressBar>
#include <QPushButton>
#include <QSaveFile>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include "core/error.hpp"
#include "jobs/job_delegate.hpp"
#include "jobs/job_list_model.hpp"
#include "jobs/local_run.hpp"
#include "view/compare_view.hpp"

namespace tessera::desktop {
namespace {

/// What is held to show a picture in full; bigger ones are reduced.
constexpr std::int64_t most_shown_pixels = std::int64_t{64} << 20;

/// The colours of the heat map, from no difference to the largest.
class HeatScale : public QWidget {
 public:
  HeatScale() {
    setFixedSize(160, 12);
    setToolTip(JobDetails::tr("Black: no difference. Pale yellow: the largest."));
  }

 protected:
  void paintEvent(QPaintEvent*) override {
    QLinearGradient gradient(0, 0, width(), 0);
    // Inferno, as the map is coloured.
    gradient.setColorAt(0, QColor(0, 0, 4));
    gradient.setColorAt(0.25, QColor(87, 16, 110));
    gradient.setColorAt(0.5, QColor(188, 55, 84));
    gradient.setColorAt(0.75, QColor(249, 142, 9));
    gradient.setColorAt(1, QColor(252, 255, 164));
    QPainter(this).fillRect(rect(), gradient);
  }
};

QLabel* muted_label() {
  auto* const label = new QLabel;
  label->setForegroundRole(QPalette::PlaceholderText);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

QString size_text(QSize size) { return QStringLiteral("%1 × %2").arg(size.width()).arg(size.height()); }

Picture picture_of(ShownImage loaded) { return {loaded.full_size, std::move(loaded.image), {}, {}}; }

}  // namespace

JobDetails::JobDetails(const QList<QAction*>& actions, QWidget* parent)
    : QWidget(parent),
      name_(new QLabel),
      pipeline_(muted_label()),
      facts_(muted_label()),
      header_(new QWidget),
      pages_(new QStackedWidget),
      tabs_(new QTabWidget) {
  loader_.setMaxThreadCount(1);
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

  auto* const head = new QVBoxLayout(header_);
  head->addWidget(name_);
  head->addWidget(pipeline_);
  head->addWidget(facts_);
  head->addLayout(buttons);

  tabs_->addTab(make_compare_page(), tr("&Compare"));
  tabs_->addTab(make_difference_page(), tr("&Difference"));
  findings_page_ = make_findings_page();
  connect(tabs_, &QTabWidget::currentChanged, this, [this] { load_difference(); });

  auto* const nothing = new QLabel(tr("Select a job to see its result."));
  nothing->setAlignment(Qt::AlignCenter);
  nothing->setForegroundRole(QPalette::PlaceholderText);
  pages_->addWidget(nothing);
  pages_->addWidget(tabs_);
  pages_->addWidget(make_message_page());

  auto* const layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(header_);
  layout->addWidget(pages_, 1);
  setAccessibleName(tr("Details of the job"));
  show_nothing();
}

JobDetails::~JobDetails() {
  stop_.request_stop();
  loader_.clear();
  loader_.waitForDone();
}

QWidget* JobDetails::make_compare_page() {
  compare_ = new CompareView;
  compare_note_ = muted_label();
  auto* const bar = new QHBoxLayout;
  auto* const group = new QButtonGroup(this);
  struct Choice {
    QString text;
    CompareView::Mode mode;
  };
  for (const Choice& choice : {Choice{tr("S&lider"), CompareView::Mode::slider},
                               Choice{tr("S&ide by side"), CompareView::Mode::side_by_side},
                               Choice{tr("&Before"), CompareView::Mode::before_only},
                               Choice{tr("&After"), CompareView::Mode::after_only}}) {
    auto* const button = new QToolButton;
    button->setText(choice.text);
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::StrongFocus);
    button->setChecked(choice.mode == compare_->mode());
    group->addButton(button, static_cast<int>(choice.mode));
    bar->addWidget(button);
  }
  connect(group, &QButtonGroup::idClicked, this,
          [this](int mode) { compare_->set_mode(static_cast<CompareView::Mode>(mode)); });
  connect(compare_, &CompareView::mode_changed, group, [group](CompareView::Mode mode) {
    if (QAbstractButton* const button = group->button(static_cast<int>(mode))) {
      button->setChecked(true);
    }
  });
  bar->addStretch();
  bar->addWidget(compare_note_);
  auto* const fit = new QToolButton;
  fit->setText(tr("Fi&t"));
  fit->setAutoRaise(true);
  fit->setToolTip(tr("The whole picture"));
  connect(fit, &QToolButton::clicked, compare_, &CompareView::zoom_to_fit);
  auto* const full = new QToolButton;
  full->setText(tr("100 %"));
  full->setAutoRaise(true);
  full->setToolTip(tr("One pixel of the picture for one of the screen"));
  connect(full, &QToolButton::clicked, compare_, [this] { compare_->set_zoom(1); });
  bar->addWidget(fit);
  bar->addWidget(full);

  auto* const page = new QWidget;
  auto* const layout = new QVBoxLayout(page);
  layout->addLayout(bar);
  layout->addWidget(compare_, 1);
  return page;
}

QWidget* JobDetails::make_difference_page() {
  heat_ = new CompareView;
  heat_->set_mode(CompareView::Mode::after_only);
  heat_->setAccessibleName(tr("Heat map of the difference"));
  heat_note_ = muted_label();
  heat_note_->setWordWrap(true);
  heat_scale_ = new HeatScale;
  auto* const bar = new QHBoxLayout;
  bar->addWidget(heat_scale_);
  bar->addWidget(heat_note_, 1);
  auto* const page = new QWidget;
  auto* const layout = new QVBoxLayout(page);
  layout->addLayout(bar);
  layout->addWidget(heat_, 1);
  return page;
}

QWidget* JobDetails::make_findings_page() {
  findings_model_ = new FindingsModel(this);
  findings_table_ = new QTableView;
  findings_table_->setModel(findings_model_);
  findings_table_->setAccessibleName(tr("What was found"));
  findings_table_->setAlternatingRowColors(true);
  findings_table_->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  findings_choice_ = new QComboBox;
  findings_choice_->setAccessibleName(tr("Which list"));
  connect(findings_choice_, &QComboBox::currentIndexChanged, this, [this](int index) {
    findings_model_->set_list(index >= 0 ? findings_.at(static_cast<std::size_t>(index)) : FindingsList());
  });
  auto* const save = new QPushButton(tr("Save as CS&V…"));
  connect(save, &QPushButton::clicked, this, &JobDetails::save_findings);
  auto* const bar = new QHBoxLayout;
  bar->addWidget(findings_choice_);
  bar->addStretch();
  bar->addWidget(save);
  auto* const page = new QWidget(this);
  page->hide();
  auto* const layout = new QVBoxLayout(page);
  layout->addLayout(bar);
  layout->addWidget(findings_table_, 1);
  return page;
}

QWidget* JobDetails::make_message_page() {
  message_title_ = new QLabel;
  QFont font = message_title_->font();
  font.setWeight(QFont::DemiBold);
  message_title_->setFont(font);
  message_text_ = new QLabel;
  message_text_->setWordWrap(true);
  message_text_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  message_bar_ = new QProgressBar;
  message_bar_->setRange(0, 1000);
  message_bar_->setTextVisible(false);
  message_picture_ = new CompareView;
  message_picture_->set_mode(CompareView::Mode::before_only);
  auto* const page = new QWidget;
  auto* const layout = new QVBoxLayout(page);
  layout->addWidget(message_title_);
  layout->addWidget(message_text_);
  layout->addWidget(message_bar_);
  layout->addWidget(message_picture_, 1);
  return page;
}

void JobDetails::show_nothing() {
  job_.reset();
  stop_.request_stop();
  pictures_of_.clear();
  difference_of_.clear();
  header_->hide();
  pages_->setCurrentIndex(0);
}

void JobDetails::show_job(const JobRecord& job) {
  const bool other = !job_ || job_->key != job.key;
  if (other) {
    stop_.request_stop();
    stop_ = std::stop_source();
    pictures_of_.clear();
    difference_of_.clear();
  }
  const bool new_findings = other || job.findings_file != job_->findings_file;
  job_ = job;
  show_header();
  if (new_findings) {
    show_findings();
  }
  if (job.phase == JobPhase::done) {
    if (pages_->currentWidget() != tabs_) {
      pages_->setCurrentWidget(tabs_);
    }
    if (job.result_file.isEmpty()) {
      compare_note_->setText(tr("Fetching the result…"));
      Q_EMIT result_wanted(job.key);
    }
  } else if (job.phase == JobPhase::failed) {
    show_message(tr("This image could not be processed."), job.failure, true, std::nullopt);
  } else if (job.phase == JobPhase::cancelled) {
    show_message(tr("Cancelled."), tr("There is no result. “Try again” begins anew."), false, std::nullopt);
  } else {
    show_message(status_text(job), job.detail, false, job.fraction);
  }
  load_pictures();
  load_difference();
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
}

void JobDetails::show_message(const QString& title, const QString& text, bool failure,
                              std::optional<double> fraction) {
  pages_->setCurrentIndex(2);
  message_title_->setText(title);
  QPalette colors = palette();
  if (failure) {
    colors.setColor(QPalette::WindowText, failure_color(palette()));
  }
  message_title_->setPalette(colors);
  message_text_->setText(text);
  message_text_->setVisible(!text.isEmpty());
  message_bar_->setVisible(fraction.has_value());
  if (fraction) {
    message_bar_->setValue(static_cast<int>(*fraction * 1000));
  }
}

void JobDetails::show_findings() {
  findings_.clear();
  if (!job_->findings_file.isEmpty()) {
    try {
      findings_ = read_findings(job_->findings_file);
    } catch (const Error& error) {
      Q_EMIT status_message(QString::fromStdString(error.what()));
    }
  }
  const int tab = tabs_->indexOf(findings_page_);
  if (findings_.empty()) {
    if (tab >= 0) {
      tabs_->removeTab(tab);
      findings_page_->setParent(this);
      findings_page_->hide();
    }
    return;
  }
  const QString title = tr("Fo&und (%1)").arg(job_->found);
  if (tab < 0) {
    tabs_->addTab(findings_page_, title);
  } else {
    tabs_->setTabText(tab, title);
  }
  findings_choice_->clear();
  for (const FindingsList& list : findings_) {
    findings_choice_->addItem(tr("%1 (%2)").arg(list.operator_name).arg(list.rows()));
  }
  findings_choice_->setVisible(findings_.size() > 1);
}

void JobDetails::save_findings() {
  const QString suggestion =
      QFileInfo(job_->name).completeBaseName() + "-" + findings_model_->list().operator_name + ".csv";
  const QString file =
      QFileDialog::getSaveFileName(this, tr("Save what was found"), suggestion, tr("Table (*.csv)"));
  if (file.isEmpty()) {
    return;
  }
  QSaveFile out(file);
  const QByteArray csv = findings_csv(findings_model_->list());
  const bool good = out.open(QIODevice::WriteOnly) && out.write(csv) == csv.size() && out.commit();
  Q_EMIT status_message(good ? tr("Saved '%1'.").arg(file)
                             : tr("Cannot write '%1': %2.").arg(file, out.errorString()));
}

void JobDetails::load(std::function<std::function<void()>(const std::stop_token& stop)> work) {
  loader_.start([this, work = std::move(work), stop = stop_.get_token()] {
    if (stop.stop_requested()) {
      return;
    }
    std::function<void()> show;
    try {
      show = work(stop);
    } catch (const std::exception& error) {
      show = [this, sentence = QString::fromStdString(error.what())] { compare_note_->setText(sentence); };
    }
    QMetaObject::invokeMethod(this, [show, stop] {
      if (!stop.stop_requested()) {
        show();
      }
    });
  });
}

void JobDetails::load_pictures() {
  const QString result = job_->phase == JobPhase::done ? job_->result_file : QString();
  const QString wanted = job_->key + '\n' + result;
  if (wanted == pictures_of_) {
    return;
  }
  const bool same_job = pictures_of_.startsWith(job_->key + '\n');
  pictures_of_ = wanted;
  if (!same_job) {
    compare_->clear();
    message_picture_->clear();
    const bool known = !job_->file.isEmpty();
    message_picture_->setVisible(known);
    message_picture_->set_placeholder(tr("Loading the picture…"));
    compare_->set_placeholder(tr("Loading the picture…"));
    if (known) {
      load([this, file = job_->file](const std::stop_token& stop) -> std::function<void()> {
        try {
          Picture picture = picture_of(load_image(file, most_shown_pixels, stop));
          return [this, picture] {
            compare_->set_before(picture);
            message_picture_->set_before(picture);
          };
        } catch (const Error& error) {
          return [this, sentence = QString::fromStdString(error.what())] {
            message_picture_->set_placeholder(sentence);
          };
        }
      });
    }
  }
  if (result.isEmpty()) {
    return;
  }
  load([this, result](const std::stop_token& stop) -> std::function<void()> {
    ShownImage loaded = load_image(result, most_shown_pixels, stop);
    const int reduced_by = loaded.reduced_by;
    return [this, reduced_by, picture = picture_of(std::move(loaded))] {
      compare_->set_after(picture);
      compare_note_->setText(reduced_by > 1 ? tr("shown at 1/%1 of its size").arg(reduced_by) : QString());
    };
  });
}

void JobDetails::load_difference() {
  if (!job_ || job_->phase != JobPhase::done || job_->result_file.isEmpty() || tabs_->currentIndex() != 1) {
    return;
  }
  const QString wanted = job_->key + '\n' + job_->result_file;
  if (wanted == difference_of_) {
    return;
  }
  difference_of_ = wanted;
  heat_->clear();
  heat_scale_->hide();
  if (job_->file.isEmpty()) {
    heat_->set_placeholder(tr("The original is not on this computer: there is nothing to compare with."));
    heat_note_->clear();
    return;
  }
  heat_->set_placeholder(tr("Comparing…"));
  heat_note_->clear();
  load([this, before = job_->file,
        after = job_->result_file](const std::stop_token& stop) -> std::function<void()> {
    std::optional<DifferenceMap> map;
    try {
      map = difference_map(before, after, most_shown_pixels, stop);
    } catch (const Error& error) {
      return [this, sentence = QString::fromStdString(error.what())] { heat_->set_placeholder(sentence); };
    }
    return [this, map] {
      if (!map) {
        heat_->set_placeholder(
            tr("The result has another size than the original, so their pixels cannot be "
               "compared one by one."));
        return;
      }
      heat_->set_images({}, map->heat);
      heat_scale_->setVisible(map->largest > 0);
      const QLocale locale;
      heat_note_->setText(
          map->largest > 0 ? tr("0 to %1 levels of 255  ·  mean %2  ·  %3 % of the pixels differ")
                                 .arg(locale.toString(map->largest, 'f', map->largest < 1 ? 3 : 0),
                                      locale.toString(map->mean, 'f', 2),
                                      locale.toString(100.0 * static_cast<double>(map->pixels_that_differ) /
                                                          static_cast<double>(map->pixels),
                                                      'f', 1))
                           : tr("The two pictures are the same, to the last bit."));
    };
  });
}

}  // namespace tessera::desktop
