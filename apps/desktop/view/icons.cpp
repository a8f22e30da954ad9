// SPDX-License-Identifier: Apache-2.0
#include "view/icons.hpp"

#include <QApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPalette>
#include <QSvgRenderer>

namespace tessera::desktop {
namespace {

/// What is inside of <svg viewBox="0 0 16 16">, drawn with lines.
const char* shape(Icon icon) {
  switch (icon) {
    case Icon::add:
      return "<path d='M8 3v10M3 8h10'/>";
    case Icon::add_images:
      return "<path d='M13.5 8V3.5h-11v9H8'/><path d='M3 11l3-3.5 2.5 2.5'/><circle cx='10' cy='6' r='1'/>"
             "<path d='M12.5 10v5M10 12.5h5'/>";
    case Icon::add_folder:
      return "<path d='M14 8V5H7.5L6 3.5H2v9h6'/><path d='M12.5 10v5M10 12.5h5'/>";
    case Icon::remove:
      return "<path d='M3 8h10'/>";
    case Icon::clear:
      return "<path d='M4 4l8 8M12 4l-8 8'/>";
    case Icon::up:
      return "<path d='M4 10l4-4 4 4'/>";
    case Icon::down:
      return "<path d='M4 6l4 4 4-4'/>";
    case Icon::undo:
      return "<path d='M6 3L3 6l3 3'/><path d='M3.5 6H9.500a3.500 3.500 0 0 1 0 7H6'/>";
    case Icon::redo:
      return "<path d='M10 3l3 3-3 3'/><path d='M12.500 6H6.500a3.500 3.500 0 0 0 0 7H10'/>";
    case Icon::reset:
      return "<path d='M3.5 3v3.500H7'/><path d='M3.800 6.300a5 5 0 1 1-.6 3'/>";
    case Icon::copy:
      return "<rect x='5.500' y='5.500' width='8' height='8' rx='1'/><path d='M3.500 10.500h-1v-8h8v1'/>";
    case Icon::paste:
      return "<rect x='3' y='3.500' width='10' height='10.500' rx='1'/><path d='M6 2.500h4v2.500H6z'/>"
             "<path d='M5.500 8h5M5.500 10.500h5'/>";
    case Icon::preset:
      return "<path d='M4 2.500h8v11l-4-3-4 3z'/>";
    case Icon::search:
      return "<circle cx='7' cy='7' r='4'/><path d='M10 10l4 4'/>";
    case Icon::slider_view:
      return "<rect x='2' y='3' width='12' height='10' rx='1'/><path d='M8 2v12'/>"
             "<path d='M6 6.500L4.500 8 6 9.500M10 6.500L11.500 8 10 9.500'/>";
    case Icon::side_by_side:
      return "<rect x='1.500' y='3.500' width='5.500' height='9' rx='.8'/><rect x='9' y='3.500' "
             "width='5.500' "
             "height='9' rx='.8'/>";
    case Icon::single:
      return "<rect x='2' y='3' width='12' height='10' rx='1'/><path d='M3 11l3.500-4 3 3 2-2 2 2'/>";
    case Icon::zoom_fit:
      return "<path d='M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10'/>"
             "<rect x='5.500' y='6' width='5' height='4'/>";
    case Icon::zoom_in:
      return "<circle cx='7' cy='7' r='4.500'/><path d='M10.500 10.500L14 14M7 5v4M5 7h4'/>";
    case Icon::zoom_out:
      return "<circle cx='7' cy='7' r='4.500'/><path d='M10.500 10.500L14 14M5 7h4'/>";
    case Icon::help:
      return "<circle cx='8' cy='8' r='6'/><path d='M6 6.300a2 2 0 1 1 2.800 1.800c-.6.300-.8.600-.8 1.300'/>"
             "<path d='M8 11.300v.4'/>";
    case Icon::play:
      return "<path d='M5 3l8 5-8 5z'/>";
    case Icon::menu:
      return "<path d='M3 4.500h10M3 8h10M3 11.500h10'/>";
    case Icon::warning:
      return "<path d='M8 2.500l6.200 11H1.800z'/><path d='M8 6.500v3.500M8 11.700v.3'/>";
    case Icon::image:
      return "<rect x='1.500' y='2.500' width='13' height='11' rx='1'/><path d='M2 12l4-5 3 3.500 2-2 3 "
             "3.500'/>"
             "<circle cx='10.500' cy='5.500' r='1'/>";
    case Icon::folder:
      return "<path d='M2 3.500h4.500L8 5.500h6v7.500H2z'/>";
  }
  return "";
}

void draw_svg(QPainter* painter, const QByteArray& svg, const QRectF& at) {
  QSvgRenderer(svg).render(painter, at);
}

class ShapeEngine final : public QIconEngine {
 public:
  explicit ShapeEngine(Icon icon) : icon_(icon) {}
  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State /*state*/) override {
    const QPalette palette = QApplication::palette();
    const QColor color =
        palette.color(mode == QIcon::Disabled ? QPalette::Disabled : QPalette::Active,
                      mode == QIcon::Selected ? QPalette::HighlightedText : QPalette::ButtonText);
    const QByteArray svg =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><g fill='none' stroke='" +
        color.name().toLatin1() + "' stroke-opacity='" + QByteArray::number(color.alphaF()) +
        "' stroke-width='1.25' stroke-linecap='round' stroke-linejoin='round'>" + shape(icon_) + "</g></svg>";
    draw_svg(painter, svg, rect);
  }
  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap pixmap(size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    paint(&painter, QRect(QPoint(0, 0), size), mode, state);
    return pixmap;
  }
  QIconEngine* clone() const override { return new ShapeEngine(icon_); }

 private:
  Icon icon_;
};

}  // namespace

QIcon icon(Icon icon) { return QIcon(new ShapeEngine(icon)); }

}  // namespace tessera::desktop
