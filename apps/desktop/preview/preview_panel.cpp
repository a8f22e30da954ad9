// SPDX-License-Identifier: Apache-2.0
#include "preview/preview_panel.hpp"

#include <QActionGroup>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QStyle>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "catalog/names.hpp"
#include "preview/histogram_view.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {

PreviewPanel::PreviewPanel(QWidget* parent) : QWidget(parent) {
  engine_ = new PreviewEngine(std::make_shared<ImageStore>(), this);
  connect(engine_, &PreviewEngine::result_ready, this, &PreviewPanel::show_result);
  view_ = new CompareView;
  // Requests that come within one turn of the event loop are one.
  ask_later_.setSingleShot(true);
  ask_later_.setInterval(0);
  connect(&ask_later_, &QTimer::timeout, this, &PreviewPanel::ask);
  connect(view_, &CompareView::view_changed, this, [this] {
    update_zoom();
    ask_later_.start();
  });
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(make_toolbar());
  column->addWidget(make_error_bar());
  column->addWidget(view_, 1);
  column->addWidget(make_footer());
  update_zoom();
}

QToolBar* PreviewPanel::make_toolbar() {
  auto* bar = new QToolBar;
  bar->setIconSize({18, 18});
  modes_ = new QActionGroup(this);
  const auto mode = [&](Icon shape, const QString& text, const QString& key, CompareView::Mode value) {
    QAction* action = bar->addAction(icon(shape), text);
    action->setCheckable(true);
    action->setShortcut(QKeySequence(key));
    action->setToolTip(QStringLiteral("%1 (%2)").arg(text, key));
    action->setChecked(view_->mode() == value);
    modes_->addAction(action);
    connect(action, &QAction::triggered, this, [this, value] { view_->set_mode(value); });
    connect(view_, &CompareView::mode_changed, action,
            [action, value](CompareView::Mode now) { action->setChecked(now == value); });
  };
  mode(Icon::slider_view, tr("Before and after, with a slider"), "F5", CompareView::Mode::slider);
  mode(Icon::side_by_side, tr("Side by side"), "F6", CompareView::Mode::side_by_side);
  mode(Icon::single, tr("Only the result"), "F7", CompareView::Mode::after_only);
  bar->addSeparator();
  auto* hold = new QToolButton;
  hold->setText(tr("Hold for original"));
  hold->setToolTip(tr("Shows the original for as long as it is pressed (space bar in the preview)"));
  connect(hold, &QToolButton::pressed, this, [this] { view_->set_original_held(true); });
  connect(hold, &QToolButton::released, this, [this] { view_->set_original_held(false); });
  bar->addWidget(hold);
  auto* gap = new QWidget;
  gap->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  bar->addWidget(gap);
  bar->addAction(icon(Icon::zoom_out), tr("Zoom out"), view_, &CompareView::zoom_out);
  zoom_ = new QToolButton;
  zoom_->setPopupMode(QToolButton::InstantPopup);
  zoom_->setToolTip(tr("Zoom"));
  zoom_->setAccessibleName(tr("Zoom"));
  zoom_->setMinimumWidth(zoom_->fontMetrics().horizontalAdvance(QStringLiteral("Fit (100 %)")) + 24);
  auto* menu = new QMenu(zoom_);
  menu->addAction(tr("Fit"), view_, &CompareView::zoom_to_fit);
  for (const int percent : {25, 50, 100, 200, 400}) {
    menu->addAction(tr("%1 %").arg(percent), this, [this, percent] { view_->set_zoom(percent / 100.0); });
  }
  zoom_->setMenu(menu);
  bar->addWidget(zoom_);
  bar->addAction(icon(Icon::zoom_in), tr("Zoom in"), view_, &CompareView::zoom_in);
  bar->addAction(icon(Icon::zoom_fit), tr("Fit"), view_, &CompareView::zoom_to_fit);
  return bar;
}

QWidget* PreviewPanel::make_error_bar() {
  error_bar_ = new QFrame;
  error_bar_->setAutoFillBackground(true);
  error_bar_->setBackgroundRole(QPalette::Base);
  auto* row = new QHBoxLayout(error_bar_);
  row->setContentsMargins(8, 6, 8, 6);
  row->setSpacing(8);
  auto* sign = new QLabel;
  sign->setPixmap(icon(Icon::warning).pixmap(18, 18));
  row->addWidget(sign, 0, Qt::AlignTop);
  error_ = new QLabel;
  error_->setWordWrap(true);
  error_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  row->addWidget(error_, 1);
  error_bar_->setVisible(false);
  return error_bar_;
}

QWidget* PreviewPanel::make_footer() {
  auto* footer = new QWidget;
  auto* row = new QHBoxLayout(footer);
  row->setContentsMargins(8, 6, 8, 6);
  row->setSpacing(12);
  auto* texts = new QVBoxLayout;
  texts->setSpacing(2);
  facts_ = new QLabel;
  texts->addWidget(facts_);
  quality_ = new QLabel;
  quality_->setForegroundRole(QPalette::PlaceholderText);
  quality_->setWordWrap(true);
  texts->addWidget(quality_);
  progress_ = new QProgressBar;
  progress_->setRange(0, 1000);
  progress_->setTextVisible(false);
  progress_->setMaximumHeight(6);
  progress_->setAccessibleName(tr("Processing the whole picture"));
  QSizePolicy keep = progress_->sizePolicy();
  keep.setRetainSizeWhenHidden(true);
  progress_->setSizePolicy(keep);
  progress_->setVisible(false);
  texts->addWidget(progress_);
  texts->addStretch(1);
  row->addLayout(texts, 3);
  histogram_ = new HistogramView;
  row->addWidget(histogram_, 2);
  connect(engine_, &PreviewEngine::full_size_progress, this, [this](double fraction) {
    progress_->setVisible(fraction < 1);
    progress_->setValue(static_cast<int>(fraction * 1000));
  });
  return footer;
}

void PreviewPanel::show_image(const std::filesystem::path& file, const QSize& size, const QImage& thumbnail) {
  if (file == request_.file) {
    return;
  }
  request_.file = file;
  view_->clear();
  view_->set_before({size, thumbnail, {}, {}});
  quality_->setText(tr("Reading the picture…"));
  facts_->clear();
  ask_later_.start();
}

void PreviewPanel::show_nothing(const QString& why) {
  engine_->cancel();
  request_.file.clear();
  view_->clear();
  view_->set_placeholder(why);
  quality_->clear();
  facts_->clear();
  error_bar_->hide();
  progress_->hide();
  histogram_->set_histograms({}, {});
  update_zoom();
}

void PreviewPanel::set_pipeline(const PipelineSteps& pipeline) {
  request_.pipeline = pipeline;
  ask_later_.start();
}

void PreviewPanel::set_full_size_allowed(bool allowed) {
  request_.full_size_allowed = allowed;
  ask_later_.start();
}

void PreviewPanel::ask() {
  if (request_.file.empty()) {
    return;
  }
  request_.viewport = view_->size() * view_->devicePixelRatioF();
  request_.zoom = view_->fits() ? std::nullopt : std::optional(view_->zoom());
  request_.visible = view_->visible_region();
  engine_->request(request_);
}

void PreviewPanel::show_result(const PreviewResult& result) {
  if (request_.file != result.file) {
    return;
  }
  error_bar_->setVisible(!result.error.isEmpty());
  error_->setText(result.error);
  if (!result.before.scaled.isNull()) {
    view_->set_before(result.before);
  }
  if (!result.error.isEmpty()) {
    view_->set_after({});
    quality_->clear();
    facts_->clear();
    histogram_->set_histograms({}, {});
    Q_EMIT shown(result);
    return;
  }
  Picture after = result.after;
  if (after.scaled.isNull() && view_->after().full_size == after.full_size) {
    after.scaled = view_->after().scaled;  // a region that comes before the rest
  }
  if (!after.scaled.isNull()) {
    view_->set_after(std::move(after));
  }
  if (result.histogram_after.channels > 0) {
    histogram_->set_histograms(result.histogram_before, result.histogram_after);
  }
  tell_quality(result);
  Q_EMIT shown(result);
}

void PreviewPanel::tell_quality(const PreviewResult& result) {
  QString facts = tr("%1 × %2, %3")
                      .arg(result.out.extent.width)
                      .arg(result.out.extent.height)
                      .arg(QString::fromStdString(result.out.format.describe()));
  if (!(result.in == result.out)) {
    facts = tr("%1 × %2, %3  →  %4")
                .arg(result.in.extent.width)
                .arg(result.in.extent.height)
                .arg(QString::fromStdString(result.in.format.describe()), facts);
  }
  for (const Findings& found : result.findings) {
    const std::size_t columns = std::max<std::size_t>(1, found.columns.size());
    facts += tr("   ·   %1: %2 found").arg(title_of(found.operator_name)).arg(found.values.size() / columns);
  }
  facts_->setText(facts);
  if (request_.pipeline.empty()) {
    quality_->setText(tr("The picture as it is."));
  } else if (result.quality == PreviewQuality::exact) {
    quality_->setText(
        tr("Exact: this is the result. It took %1 s.").arg(result.milliseconds / 1000, 0, 'f', 2));
  } else if (result.quality == PreviewQuality::region) {
    quality_->setText(tr("Exact for what is visible."));
  } else if (result.approximate_because.isEmpty()) {
    quality_->setText(tr("From a small copy of the picture; sizes in pixels are scaled with it."));
  } else {
    quality_->setText(
        (result.final ? tr("Approximate. %1") : tr("Approximate until the whole picture is done. %1"))
            .arg(result.approximate_because.join(' ')));
  }
}

void PreviewPanel::update_zoom() {
  const QString percent = tr("%1 %").arg(std::lround(view_->zoom() * 100));
  zoom_->setText(view_->fits() ? tr("Fit (%1)").arg(percent) : percent);
}

}  // namespace tessera::desktop
