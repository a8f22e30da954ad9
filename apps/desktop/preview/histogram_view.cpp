// SPDX-License-Identifier: Apache-2.0
#include "preview/histogram_view.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>
#include <algorithm>
#include <array>
#include <cmath>

namespace tessera::desktop {
namespace {

constexpr int levels = 256;

double peak_of(const Histogram& histogram) {
  // The ends often hold all that is clipped; they may stick out.
  double peak = 1;
  for (int channel = 0; channel < histogram.channels; ++channel) {
    const auto& counts = histogram.counts[static_cast<std::size_t>(channel)];
    peak = std::max(peak, static_cast<double>(*std::max_element(counts.begin() + 1, counts.end() - 1)));
  }
  return peak;
}

QPainterPath curve(const std::array<std::uint32_t, levels>& counts, double peak, const QRectF& area) {
  QPainterPath path(area.bottomLeft());
  for (std::size_t level = 0; level < counts.size(); ++level) {
    // The square root lifts what is rare: shadows and lights stay visible beside a big sky.
    const double height = std::min(1.0, std::sqrt(counts[level] / peak)) * area.height();
    const double x = area.left() + static_cast<double>(level) / (levels - 1) * area.width();
    path.lineTo(x, area.bottom() - height);
  }
  path.lineTo(area.bottomRight());
  path.closeSubpath();
  return path;
}

double share_at(const Histogram& histogram, int level) {
  double at = 0;
  double all = 0;
  for (int channel = 0; channel < histogram.channels; ++channel) {
    const auto& counts = histogram.counts[static_cast<std::size_t>(channel)];
    at += counts[static_cast<std::size_t>(level)];
    for (const std::uint32_t count : counts) {
      all += count;
    }
  }
  return all > 0 ? 100 * at / all : 0;
}

}  // namespace

HistogramView::HistogramView(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Histogram"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

QSize HistogramView::sizeHint() const { return {256, 84}; }

void HistogramView::set_histograms(const Histogram& before, const Histogram& after) {
  before_ = before;
  after_ = after;
  if (after.channels > 0) {
    setAccessibleDescription(tr("After: %1 % of the samples are black, %2 % are white.")
                                 .arg(share_at(after, 0), 0, 'f', 1)
                                 .arg(share_at(after, levels - 1), 0, 'f', 1));
  }
  update();
}

void HistogramView::paintEvent(QPaintEvent* /*event*/) {
  QPainter painter(this);
  const bool dark = palette().color(QPalette::Window).lightness() < 128;
  painter.fillRect(rect(), palette().color(QPalette::Base));
  if (after_.channels == 0) {
    return;
  }
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF area = QRectF(rect()).adjusted(0, 4, 0, 0);
  painter.setPen(Qt::NoPen);
  if (after_.channels == 1) {
    painter.setBrush(dark ? QColor(190, 194, 200) : QColor(110, 114, 120));
    painter.drawPath(curve(after_.counts[0], peak_of(after_), area));
  } else {
    // Where channels overlap, light adds up on dark and ink on white.
    painter.setCompositionMode(dark ? QPainter::CompositionMode_Plus : QPainter::CompositionMode_Multiply);
    const std::array<QColor, 3> colors =
        dark ? std::array{QColor(150, 35, 35), QColor(30, 120, 40), QColor(35, 50, 150)}
             : std::array{QColor(255, 150, 145), QColor(150, 225, 150), QColor(150, 180, 255)};
    for (std::size_t channel = 0; channel < colors.size(); ++channel) {
      painter.setBrush(colors[channel]);
      painter.drawPath(curve(after_.counts[channel], peak_of(after_), area));
    }
    painter.setCompositionMode(QPainter::CompositionMode_SourceOver);
  }
  if (before_.channels > 0) {
    Histogram sum{1, {}};
    for (int channel = 0; channel < before_.channels; ++channel) {
      for (std::size_t level = 0; level < levels; ++level) {
        sum.counts[0][level] += before_.counts[static_cast<std::size_t>(channel)][level];
      }
    }
    QColor line = palette().color(QPalette::Text);
    line.setAlpha(130);
    painter.setPen(QPen(line, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(curve(sum.counts[0], peak_of(sum), area));
  }
}

bool HistogramView::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip && after_.channels > 0) {
    auto* help = static_cast<QHelpEvent*>(event);
    const int level = std::clamp(help->pos().x() * levels / std::max(1, width()), 0, levels - 1);
    QToolTip::showText(help->globalPos(),
                       tr("Level %1: %2 % before (line), %3 % after")
                           .arg(level)
                           .arg(share_at(before_, level), 0, 'f', 2)
                           .arg(share_at(after_, level), 0, 'f', 2),
                       this);
    return true;
  }
  return QWidget::event(event);
}

}  // namespace tessera::desktop
