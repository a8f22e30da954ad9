// SPDX-License-Identifier: Apache-2.0
#include "view/compare_view.hpp"

#include <QKeyEvent>
#include <QPainter>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "view/compare_painting.hpp"

namespace tessera::desktop {
namespace {

constexpr double zoom_step = 1.25;
constexpr double divider_reach = 8;

}  // namespace

CompareView::CompareView(QWidget* parent) : QWidget(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setMouseTracking(true);
  setAccessibleName(tr("Comparison"));
  setAccessibleDescription(
      tr("The picture before and after. Arrow keys move, plus and minus zoom, space shows the original."));
}

void CompareView::set_images(QImage before, QImage after) {
  const QSize before_size = before.size();
  const QSize after_size = after.size();
  set_before({before_size, std::move(before), {}, {}});
  set_after({after_size, std::move(after), {}, {}});
}

void CompareView::set_before(Picture before) {
  const QSize old = canvas_size();
  before_ = std::move(before);
  if (canvas_size() != old) {
    changed();
  }
  update();
}

void CompareView::set_after(Picture after) {
  const QSize old = canvas_size();
  after_ = std::move(after);
  if (canvas_size() != old) {
    changed();
  }
  update();
}

void CompareView::clear() {
  before_ = {};
  after_ = {};
  move_to({});
}

void CompareView::set_mode(Mode mode) {
  if (mode == mode_) {
    return;
  }
  mode_ = mode;
  changed();
  Q_EMIT mode_changed(mode);
}

void CompareView::set_placeholder(const QString& text) {
  placeholder_ = text;
  update();
}

QSize CompareView::sizeHint() const { return {720, 540}; }
QSize CompareView::minimumSizeHint() const { return {200, 160}; }

QSize CompareView::canvas_size() const {
  return after_.full_size.isEmpty() ? before_.full_size : after_.full_size;
}

ViewLayout CompareView::view_layout() const {
  return {size(), devicePixelRatioF(), canvas_size(), shows_two(), position_};
}

bool CompareView::shows_two() const {
  return mode_ == Mode::side_by_side && !original_held_ && !after_.scaled.isNull();
}

double CompareView::zoom() const { return view_layout().zoom(); }
void CompareView::zoom_to_fit() { move_to({}); }
void CompareView::set_zoom(double zoom) {
  const ViewLayout now = view_layout();
  move_to(now.zoomed(zoom, now.panes().front().center()));
}
void CompareView::zoom_in() { set_zoom(zoom() * zoom_step); }
void CompareView::zoom_out() { set_zoom(zoom() / zoom_step); }

QRect CompareView::visible_region() const { return view_layout().visible_region(); }

void CompareView::move_to(const ViewPosition& position) {
  position_ = position;
  changed();
}

void CompareView::changed() {
  position_ = view_layout().in_sight();
  update();
  Q_EMIT view_changed();
}

bool CompareView::shows_divider() const {
  return mode_ == Mode::slider && !original_held_ && !before_.scaled.isNull() && !after_.scaled.isNull();
}

QRectF CompareView::seen() const { return QRectF(rect()) & view_layout().picture_rect(rect()); }

double CompareView::divider_x() const {
  const QRectF part = seen();
  return std::round(part.x() + divider_ * part.width());
}

bool CompareView::near_divider(const QPointF& at) const {
  return shows_divider() && std::abs(at.x() - divider_x()) <= divider_reach;
}

void CompareView::paint_pictures(QPainter& painter) const {
  const ViewLayout now = view_layout();
  const std::vector<QRectF> panes = now.panes();
  const auto draw_before = [&](const QRectF& pane, const QRectF& clip) {
    draw_picture(painter, before_, fit_into(before_.full_size, now.picture_rect(pane)), clip);
  };
  const auto draw_after = [&](const QRectF& pane, const QRectF& clip) {
    draw_picture(painter, after_, now.picture_rect(pane), clip);
  };
  if (original_held_ || mode_ == Mode::before_only || after_.scaled.isNull()) {
    draw_before(panes[0], panes[0]);
    draw_pane_label(painter, panes[0], tr("Original"), Qt::AlignLeft);
  } else if (shows_two()) {
    draw_before(panes[0], panes[0]);
    draw_after(panes[1], panes[1]);
    painter.fillRect(QRectF(panes[0].right(), 0, panes[1].left() - panes[0].right(), height()),
                     palette().color(QPalette::Window));
    draw_pane_label(painter, panes[0], tr("Before"), Qt::AlignLeft);
    draw_pane_label(painter, panes[1], tr("After"), Qt::AlignLeft);
  } else if (!shows_divider()) {
    draw_after(panes[0], panes[0]);
  } else {
    const double x = divider_x();
    draw_before(panes[0], QRectF(0, 0, x, height()));
    draw_after(panes[0], QRectF(x, 0, width() - x, height()));
    draw_pane_label(painter, QRectF(rect()), tr("Before"), Qt::AlignLeft);
    draw_pane_label(painter, QRectF(rect()), tr("After"), Qt::AlignRight);
    draw_divider(painter, x, height());
  }
}

void CompareView::paintEvent(QPaintEvent* /*event*/) {
  QPainter painter(this);
  const bool dark = palette().color(QPalette::Window).lightness() < 128;
  painter.fillRect(rect(), dark ? QColor(0x1b, 0x1c, 0x1e) : QColor(0xd9, 0xda, 0xdc));
  if (before_.scaled.isNull() && after_.scaled.isNull()) {
    painter.setPen(palette().color(QPalette::Disabled, QPalette::Text));
    painter.drawText(rect().adjusted(24, 24, -24, -24), Qt::AlignCenter | Qt::TextWordWrap, placeholder_);
    return;
  }
  paint_pictures(painter);
  if (hasFocus()) {
    painter.setPen(palette().color(QPalette::Highlight));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
  }
}

void CompareView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  changed();
}

void CompareView::wheelEvent(QWheelEvent* event) {
  const double steps = event->angleDelta().y() / 120.0;
  if (steps != 0) {
    move_to(view_layout().zoomed(zoom() * std::pow(zoom_step, steps), event->position()));
  }
  event->accept();
}

void CompareView::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton) {
    QWidget::mousePressEvent(event);
    return;
  }
  drag_ = event->button() == Qt::LeftButton && near_divider(event->position()) ? Drag::divider : Drag::pan;
  drag_from_ = event->position();
  drag_centre_ = position_.centre;
  update_cursor(event->position());
}

void CompareView::mouseMoveEvent(QMouseEvent* event) {
  const QPointF at = event->position();
  if (drag_ == Drag::divider) {
    const QRectF part = seen();
    divider_ = part.width() > 0 ? std::clamp((at.x() - part.x()) / part.width(), 0.0, 1.0) : 0.5;
    update();
  } else if (drag_ == Drag::pan) {
    position_.centre = drag_centre_;
    move_to(view_layout().moved(at - drag_from_));
  }
  update_cursor(at);
  Q_EMIT pointer_moved(view_layout().pixel_at(at));
}

void CompareView::mouseReleaseEvent(QMouseEvent* event) {
  drag_ = Drag::none;
  update_cursor(event->position());
}

void CompareView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || near_divider(event->position())) {
    return;
  }
  if (position_.fits) {
    move_to(view_layout().zoomed(1, event->position()));
  } else {
    zoom_to_fit();
  }
}

void CompareView::leaveEvent(QEvent* event) {
  QWidget::leaveEvent(event);
  Q_EMIT pointer_moved(std::nullopt);
}

void CompareView::keyPressEvent(QKeyEvent* event) {
  constexpr double step = 60;
  const auto pan = [&](double x, double y) { move_to(view_layout().moved({-x * step, -y * step})); };
  const auto slide = [&](double by) {
    divider_ = std::clamp(divider_ + by, 0.0, 1.0);
    update();
  };
  const bool shift = event->modifiers().testFlag(Qt::ShiftModifier);
  switch (event->key()) {
    case Qt::Key_Space:
      if (!event->isAutoRepeat()) {
        set_original_held(true);
      }
      break;
    case Qt::Key_Left:
      shift ? slide(-0.05) : pan(-1, 0);
      break;
    case Qt::Key_Right:
      shift ? slide(0.05) : pan(1, 0);
      break;
    case Qt::Key_Up:
      pan(0, -1);
      break;
    case Qt::Key_Down:
      pan(0, 1);
      break;
    case Qt::Key_Plus:
    case Qt::Key_Equal:
      zoom_in();
      break;
    case Qt::Key_Minus:
      zoom_out();
      break;
    default:
      QWidget::keyPressEvent(event);
  }
}

void CompareView::keyReleaseEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Space) {
    if (!event->isAutoRepeat()) {
      set_original_held(false);
    }
    return;
  }
  QWidget::keyReleaseEvent(event);
}

void CompareView::focusOutEvent(QFocusEvent* event) {
  set_original_held(false);
  QWidget::focusOutEvent(event);
}

void CompareView::set_original_held(bool held) {
  if (held != original_held_) {
    original_held_ = held;
    changed();
  }
}

void CompareView::update_cursor(const QPointF& at) {
  if (drag_ == Drag::divider || (drag_ == Drag::none && near_divider(at))) {
    setCursor(Qt::SplitHCursor);
  } else if (drag_ == Drag::pan && !position_.fits) {
    setCursor(Qt::ClosedHandCursor);
  } else {
    setCursor(position_.fits || canvas_size().isEmpty() ? Qt::ArrowCursor : Qt::OpenHandCursor);
  }
}

}  // namespace tessera::desktop
