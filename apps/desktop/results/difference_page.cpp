// SPDX-License-Identifier: Apache-2.0
#include "results/difference_page.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPainter>
#include <QVBoxLayout>
#include <optional>

#include "view/compare_view.hpp"
#include "view/muted_label.hpp"
#include "widgets/cancellable_task.hpp"
#include "widgets/image_loading.hpp"

namespace tessera::desktop {
namespace {

/// The colours of the heat map, from no difference to the largest.
class HeatScale : public QWidget {
 public:
  HeatScale() {
    setFixedSize(160, 12);
    setToolTip(DifferencePage::tr("Black: no difference. Pale yellow: the largest."));
  }

 protected:
  void paintEvent(QPaintEvent* /*event*/) override {
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

}  // namespace

DifferencePage::DifferencePage(CancellableTask& work, QWidget* parent)
    : QWidget(parent), work_(work), view_(new CompareView), note_(muted_label()), scale_(new HeatScale) {
  view_->set_mode(CompareView::Mode::after_only);
  view_->setAccessibleName(tr("Heat map of the difference"));
  note_->setWordWrap(true);
  auto* const bar = new QHBoxLayout;
  bar->addWidget(scale_);
  bar->addWidget(note_, 1);
  auto* const column = new QVBoxLayout(this);
  column->addLayout(bar);
  column->addWidget(view_, 1);
  setFocusProxy(view_);
}

void DifferencePage::set_files(const QString& before, const QString& after) {
  if (before == before_ && after == after_) {
    return;
  }
  before_ = before;
  after_ = after;
  wanted_ = !after.isEmpty();
  compare();
}

void DifferencePage::clear() {
  before_.clear();
  after_.clear();
  wanted_ = false;
  say({});
}

void DifferencePage::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  compare();
}

void DifferencePage::say(const QString& why_there_is_no_map) {
  view_->clear();
  view_->set_placeholder(why_there_is_no_map);
  scale_->hide();
  note_->clear();
}

void DifferencePage::compare() {
  if (!wanted_ || !isVisible()) {
    return;
  }
  wanted_ = false;
  if (before_.isEmpty()) {
    say(tr("The original is not on this computer: there is nothing to compare with."));
    return;
  }
  say(tr("Comparing…"));
  work_.start(
      [this, before = before_, after = after_](const std::stop_token& stop) -> CancellableTask::Show {
        const std::optional<DifferenceMap> map = difference_map(before, after, max_shown_pixels, stop);
        if (!map) {
          return [this] {
            say(
                tr("The result has another size than the original, so their pixels cannot be compared one by "
                   "one."));
          };
        }
        return [this, map] { show_map(*map); };
      },
      [this](const QString& sentence) { say(sentence); });
}

void DifferencePage::show_map(const DifferenceMap& map) {
  view_->set_images({}, map.heat);
  scale_->setVisible(map.largest > 0);
  if (map.largest <= 0) {
    note_->setText(tr("The two pictures are the same, to the last bit."));
    return;
  }
  const QLocale locale;
  const double share = 100.0 * static_cast<double>(map.pixels_that_differ) / static_cast<double>(map.pixels);
  note_->setText(tr("0 to %1 levels of 255  ·  mean %2  ·  %3 % of the pixels differ")
                     .arg(locale.toString(map.largest, 'f', map.largest < 1 ? 3 : 0),
                          locale.toString(map.mean, 'f', 2), locale.toString(share, 'f', 1)));
}

}  // namespace tessera::desktop
