// SPDX-License-Identifier: Apache-2.0
// Two pictures to compare: by a slider between them, side by side in step, or one at a time.
#pragma once

#include <QImage>
#include <QWidget>
#include <optional>

#include "view/picture.hpp"
#include "view/view_layout.hpp"

namespace tessera::desktop {

class CompareView : public QWidget {
  Q_OBJECT

 public:
  enum class Mode { slider, side_by_side, before_only, after_only };
  Q_ENUM(Mode)

  explicit CompareView(QWidget* parent = nullptr);

  /// Both whole. A null picture is not drawn. Zoom and place stay as they are if the size does.
  void set_images(QImage before, QImage after);
  void set_before(Picture before);
  void set_after(Picture after);
  [[nodiscard]] const Picture& before() const { return before_; }
  [[nodiscard]] const Picture& after() const { return after_; }
  void clear();

  [[nodiscard]] Mode mode() const { return mode_; }
  void set_mode(Mode mode);

  /// Screen pixels for each pixel of the after picture.
  [[nodiscard]] double zoom() const;
  [[nodiscard]] bool fits() const { return position_.fits; }
  void zoom_to_fit();
  /// Around the middle of the view.
  void set_zoom(double zoom);
  void zoom_in();
  void zoom_out();

  /// Shows the original alone for as long as it is true: while a button or the space bar is held.
  void set_original_held(bool held);

  /// What is seen of the after picture, in its pixels.
  [[nodiscard]] QRect visible_region() const;

  /// Text in the middle while there is no picture.
  void set_placeholder(const QString& text);

  [[nodiscard]] QSize sizeHint() const override;
  [[nodiscard]] QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void mode_changed(tessera::desktop::CompareView::Mode mode);
  /// Zoom, place or size of the window have changed.
  void view_changed();
  /// A pixel under the pointer, in the after picture; invalid when it has left.
  void pointer_moved(std::optional<QPoint> pixel);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void keyReleaseEvent(QKeyEvent* event) override;
  void focusOutEvent(QFocusEvent* event) override;

 private:
  enum class Drag { none, pan, divider };

  [[nodiscard]] QSize canvas_size() const;
  [[nodiscard]] ViewLayout view_layout() const;
  [[nodiscard]] bool shows_two() const;
  [[nodiscard]] bool shows_divider() const;
  /// What is seen of the picture, where there is one pane.
  [[nodiscard]] QRectF seen() const;
  [[nodiscard]] double divider_x() const;
  [[nodiscard]] bool near_divider(const QPointF& at) const;
  void move_to(const ViewPosition& position);
  void changed();
  void paint_pictures(QPainter& painter) const;
  void update_cursor(const QPointF& at);

  Picture before_;
  Picture after_;
  QString placeholder_;
  Mode mode_ = Mode::slider;
  ViewPosition position_;
  double divider_ = 0.5;  ///< as a part of the width of the view
  bool original_held_ = false;
  Drag drag_ = Drag::none;
  QPointF drag_from_;
  QPointF drag_centre_;
};

}  // namespace tessera::desktop
