#include "view/compare_view.hpp"

#include <QApplication>
#include <QKeyEvent>
#include <QPainter>
#include <QPainterPath>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

namespace tessera::desktop {
namespace {

constexpr double min_zoom = 0.02;
constexpr double max_zoom = 32;
constexpr double zoom_step = 1.25;
constexpr double divider_reach = 8;
constexpr double pane_gap = 8;
/// From here on pixels are drawn as squares: who looks that closely wants to see them.
constexpr double pixel_zoom = 2;

QRectF fit_into(const QSizeF& size, const QRectF& frame) {
  const QSizeF scaled = size.scaled(frame.size(), Qt::KeepAspectRatio);
  return {frame.center() - QPointF(scaled.width() / 2, scaled.height() / 2), scaled};
}

/// Shows through where a picture is transparent.
QPixmap checkerboard() {
  constexpr int square = 8;
  QPixmap pixmap(2 * square, 2 * square);
  pixmap.fill(QColor(0xcc, 0xcc, 0xcc));
  QPainter painter(&pixmap);
  painter.fillRect(0, 0, square, square, QColor(0xf4, 0xf4, 0xf4));
  painter.fillRect(square, square, square, square, QColor(0xf4, 0xf4, 0xf4));
  return pixmap;
}

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
  fits_ = true;
  centre_ = {0.5, 0.5};
  changed();
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

std::vector<QRectF> CompareView::panes() const {
  const QRectF all = rect();
  if (mode_ != Mode::side_by_side || original_held_ || after_.scaled.isNull()) {
    return {all};
  }
  const double half = std::floor((all.width() - pane_gap) / 2);
  return {QRectF(0, 0, half, all.height()), QRectF(all.width() - half, 0, half, all.height())};
}

double CompareView::fit_zoom() const {
  const QSize canvas = canvas_size();
  if (canvas.isEmpty()) {
    return 1;
  }
  const QSizeF pane = panes().front().size() * devicePixelRatioF();
  const double fit = std::min(pane.width() / canvas.width(), pane.height() / canvas.height());
  // Small pictures are not blown up: their pixels would be all there is to see.
  return std::clamp(fit, min_zoom, 1.0);
}

double CompareView::zoom() const { return fits_ ? fit_zoom() : zoom_; }

void CompareView::zoom_to_fit() {
  fits_ = true;
  centre_ = {0.5, 0.5};
  changed();
}

void CompareView::set_zoom(double zoom) { zoom_around(zoom, QRectF(panes().front()).center()); }
void CompareView::zoom_in() { set_zoom(zoom() * zoom_step); }
void CompareView::zoom_out() { set_zoom(zoom() / zoom_step); }

void CompareView::zoom_around(double zoom, const QPointF& at) {
  const QSize canvas = canvas_size();
  if (canvas.isEmpty()) {
    return;
  }
  std::vector<QRectF> all = panes();
  const QRectF pane = all.size() > 1 && all[1].contains(at) ? all[1] : all[0];
  const QRectF before = picture_rect(pane);
  const QPointF part((at.x() - before.x()) / before.width(), (at.y() - before.y()) / before.height());
  fits_ = false;
  zoom_ = std::clamp(zoom, std::min(min_zoom, fit_zoom()), max_zoom);
  const QSizeF size = QSizeF(canvas) * (zoom_ / devicePixelRatioF());
  const QPointF middle = pane.center();
  centre_ = {part.x() + (middle.x() - at.x()) / size.width(),
             part.y() + (middle.y() - at.y()) / size.height()};
  changed();
}

void CompareView::keep_in_sight() {
  const QSize canvas = canvas_size();
  if (canvas.isEmpty()) {
    return;
  }
  const QRectF pane = panes().front();
  const QSizeF size = QSizeF(canvas) * (zoom() / devicePixelRatioF());
  const auto keep = [](double centre, double shown, double whole) {
    const double half = shown / whole / 2;
    return half >= 0.5 ? 0.5 : std::clamp(centre, half, 1 - half);
  };
  centre_ = {keep(centre_.x(), pane.width(), size.width()), keep(centre_.y(), pane.height(), size.height())};
}

void CompareView::changed() {
  keep_in_sight();
  update();
  Q_EMIT view_changed();
}

QRectF CompareView::picture_rect(const QRectF& pane) const {
  const double ratio = devicePixelRatioF();
  const QSizeF size = QSizeF(canvas_size()) * (zoom() / ratio);
  const QPointF corner(pane.center().x() - centre_.x() * size.width(),
                       pane.center().y() - centre_.y() * size.height());
  // On whole pixels of the screen, so that 100 % shows the picture's own pixels.
  return {QPointF(std::round(corner.x() * ratio) / ratio, std::round(corner.y() * ratio) / ratio), size};
}

QRect CompareView::visible_region() const {
  const QSize canvas = canvas_size();
  if (canvas.isEmpty()) {
    return {};
  }
  const QRectF pane = panes().front();
  const QRectF picture = picture_rect(pane);
  const QRectF seen = pane & picture;
  const double scale = canvas.width() / picture.width();
  const QRectF pixels((seen.topLeft() - picture.topLeft()) * scale, seen.size() * scale);
  return pixels.toAlignedRect() & QRect(QPoint(0, 0), canvas);
}

bool CompareView::shows_divider() const {
  return mode_ == Mode::slider && !original_held_ && !before_.scaled.isNull() && !after_.scaled.isNull();
}

double CompareView::divider_x() const {
  const QRectF seen = QRectF(rect()) & picture_rect(rect());
  return std::round(seen.x() + divider_ * seen.width());
}

bool CompareView::near_divider(const QPointF& at) const {
  return shows_divider() && std::abs(at.x() - divider_x()) <= divider_reach;
}

void CompareView::draw(QPainter& painter, const Picture& picture, const QRectF& target,
                       const QRectF& clip) const {
  const QRectF shown = target & clip;
  if (picture.scaled.isNull() || shown.isEmpty()) {
    return;
  }
  painter.save();
  painter.setClipRect(shown);
  if (picture.scaled.hasAlphaChannel()) {
    painter.drawTiledPixmap(shown, checkerboard());
  }
  const double ratio = devicePixelRatioF();
  const auto draw_image = [&](const QImage& image, const QRectF& at) {
    const double magnified = at.width() * ratio / image.width();
    painter.setRenderHint(QPainter::SmoothPixmapTransform,
                          magnified < pixel_zoom && std::abs(magnified - 1) > 1e-6);
    painter.drawImage(at, image);
  };
  draw_image(picture.scaled, target);
  if (!picture.detail.isNull()) {
    const double scale = target.width() / picture.full_size.width();
    const QRectF part(target.topLeft() + QPointF(picture.detail_rect.topLeft()) * scale,
                      QSizeF(picture.detail_rect.size()) * scale);
    if (picture.detail.hasAlphaChannel()) {
      painter.drawTiledPixmap(part, checkerboard());
    }
    draw_image(picture.detail, part);
  }
  painter.restore();
}

void CompareView::draw_label(QPainter& painter, const QRectF& pane, const QString& text,
                             Qt::Alignment side) const {
  const QFontMetricsF metrics(font());
  const QSizeF size(metrics.horizontalAdvance(text) + 16, metrics.height() + 6);
  const double x = side == Qt::AlignLeft ? pane.left() + 8 : pane.right() - 8 - size.width();
  const QRectF box(QPointF(x, pane.top() + 8), size);
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(QColor(0, 0, 0, 150));
  painter.drawRoundedRect(box, 4, 4);
  painter.setPen(Qt::white);
  painter.drawText(box, Qt::AlignCenter, text);
  painter.restore();
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
  const std::vector<QRectF> all = panes();
  const auto draw_before = [&](const QRectF& pane, const QRectF& clip) {
    const QRectF canvas = picture_rect(pane);
    draw(painter, before_, fit_into(before_.full_size, canvas), clip);
  };
  const auto draw_after = [&](const QRectF& pane, const QRectF& clip) {
    draw(painter, after_, picture_rect(pane), clip);
  };
  if (original_held_ || mode_ == Mode::before_only || after_.scaled.isNull()) {
    draw_before(all[0], all[0]);
    draw_label(painter, all[0], tr("Original"), Qt::AlignLeft);
  } else if (mode_ == Mode::after_only) {
    draw_after(all[0], all[0]);
  } else if (mode_ == Mode::side_by_side) {
    draw_before(all[0], all[0]);
    draw_after(all[1], all[1]);
    painter.fillRect(QRectF(all[0].right(), 0, all[1].left() - all[0].right(), height()),
                     palette().color(QPalette::Window));
    draw_label(painter, all[0], tr("Before"), Qt::AlignLeft);
    draw_label(painter, all[1], tr("After"), Qt::AlignLeft);
  } else if (!shows_divider()) {
    draw_after(all[0], all[0]);
  } else {
    const double x = divider_x();
    const QRectF left(0, 0, x, height());
    const QRectF right(x, 0, width() - x, height());
    draw_before(all[0], left);
    draw_after(all[0], right);
    draw_label(painter, QRectF(rect()), tr("Before"), Qt::AlignLeft);
    draw_label(painter, QRectF(rect()), tr("After"), Qt::AlignRight);
    painter.fillRect(QRectF(x - 1.5, 0, 3, height()), QColor(0, 0, 0, 90));
    painter.fillRect(QRectF(x - 0.5, 0, 1, height()), Qt::white);
    painter.setRenderHint(QPainter::Antialiasing);
    const QPointF middle(x, height() / 2.0);
    painter.setPen(QPen(QColor(0, 0, 0, 90), 1));
    painter.setBrush(Qt::white);
    painter.drawEllipse(middle, 13, 13);
    painter.setPen(QPen(QColor(0x33, 0x33, 0x33), 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.setBrush(Qt::NoBrush);
    for (const double side : {-1.0, 1.0}) {
      QPainterPath arrow(middle + QPointF(side * 4, -4));
      arrow.lineTo(middle + QPointF(side * 8, 0));
      arrow.lineTo(middle + QPointF(side * 4, 4));
      painter.drawPath(arrow);
    }
  }
  if (hasFocus()) {
    painter.setRenderHint(QPainter::Antialiasing, false);
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
    zoom_around(zoom() * std::pow(zoom_step, steps), event->position());
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
  drag_centre_ = centre_;
  update_cursor(event->position());
}

void CompareView::mouseMoveEvent(QMouseEvent* event) {
  const QPointF at = event->position();
  if (drag_ == Drag::divider) {
    const QRectF seen = QRectF(rect()) & picture_rect(rect());
    divider_ = seen.width() > 0 ? std::clamp((at.x() - seen.x()) / seen.width(), 0.0, 1.0) : 0.5;
    update();
  } else if (drag_ == Drag::pan) {
    const QSizeF size = picture_rect(panes().front()).size();
    const QPointF moved = at - drag_from_;
    centre_ = drag_centre_ - QPointF(moved.x() / size.width(), moved.y() / size.height());
    changed();
  }
  update_cursor(at);
  const QSize canvas = canvas_size();
  std::optional<QPoint> pixel;
  for (const QRectF& pane : panes()) {
    const QRectF picture = picture_rect(pane);
    if (!canvas.isEmpty() && pane.contains(at) && picture.contains(at)) {
      const double scale = canvas.width() / picture.width();
      pixel = QPoint(static_cast<int>((at.x() - picture.x()) * scale),
                     static_cast<int>((at.y() - picture.y()) * scale));
    }
  }
  Q_EMIT pointer_moved(pixel);
}

void CompareView::mouseReleaseEvent(QMouseEvent* event) {
  drag_ = Drag::none;
  update_cursor(event->position());
}

void CompareView::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || near_divider(event->position())) {
    return;
  }
  if (fits_) {
    zoom_around(1, event->position());
  } else {
    zoom_to_fit();
  }
}

void CompareView::leaveEvent(QEvent* event) {
  QWidget::leaveEvent(event);
  Q_EMIT pointer_moved(std::nullopt);
}

void CompareView::keyPressEvent(QKeyEvent* event) {
  const QSizeF size = picture_rect(panes().front()).size();
  const auto pan = [&](double x, double y) {
    constexpr double step = 60;
    centre_ += QPointF(x * step / size.width(), y * step / size.height());
    changed();
  };
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
  } else if (drag_ == Drag::pan && !fits_) {
    setCursor(Qt::ClosedHandCursor);
  } else {
    setCursor(fits_ || canvas_size().isEmpty() ? Qt::ArrowCursor : Qt::OpenHandCursor);
  }
}

}  // namespace tessera::desktop
