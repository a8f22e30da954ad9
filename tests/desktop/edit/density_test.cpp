// SPDX-License-Identifier: Apache-2.0
// What is shown has as many pixels as the screen has, whatever its density. The tests hold at the density of
// the screen that they find; the last one runs them at others.
#include <gtest/gtest.h>

#include <QAbstractButton>
#include <QCoreApplication>
#include <QLabel>
#include <QListView>
#include <QProcess>
#include <QStandardItemModel>
#include <QTemporaryDir>
#include <cmath>

#include "images/image_delegate.hpp"
#include "images/image_list_model.hpp"
#include "pipeline/operator_form.hpp"
#include "preview/preview_panel.hpp"
#include "test_images.hpp"
#include "view/compare_view.hpp"
#include "window/edit_page.hpp"

namespace tessera::desktop {
namespace {

using testing::picture;
using testing::save_png;
using testing::wait_until;

/// No two pixels beside or below each other are alike: a picture that is scaled shows.
QImage fine_picture(QSize size) {
  QImage image(size, QImage::Format_RGB32);
  for (int y = 0; y < size.height(); ++y) {
    for (int x = 0; x < size.width(); ++x) {
      image.setPixel(x, y, qRgb((x * 37) % 256, (y * 53) % 256, ((x + y) % 2) * 255));
    }
  }
  return image;
}

/// Whether `part` lies in `whole`, pixel for pixel, its corner near `at`.
bool lies_in(const QImage& whole, const QImage& part, QPoint at) {
  for (int dy = -2; dy <= 2; ++dy) {
    for (int dx = -2; dx <= 2; ++dx) {
      if (whole.copy(QRect(at + QPoint(dx, dy), part.size())).convertToFormat(part.format()) == part) {
        return true;
      }
    }
  }
  return false;
}

TEST(Density, OneHundredPercentIsAPixelOfTheScreenForEachOfThePicture) {
  // At an odd place, which at a density of 1.5 is between two pixels of the screen.
  for (const int offset : {0, 5, 6}) {
    QWidget window;
    window.resize(500, 400);
    CompareView view(&window);
    view.setGeometry(offset, offset, 401, 301);
    const QImage image = fine_picture({120, 80});
    view.set_images({}, image);
    view.set_mode(CompareView::Mode::after_only);
    view.set_zoom(1);
    window.show();
    const double density = window.devicePixelRatioF();
    const QPointF middle = QRectF(view.geometry()).center() * density;
    const QPoint corner = (middle - QPointF(60, 40)).toPoint();
    EXPECT_TRUE(lies_in(window.grab().toImage(), image, corner))
        << "at " << offset << ", density " << density;
  }
}

TEST(Density, ThePreviewIsAskedForInPixelsOfTheScreen) {
  const QTemporaryDir folder;
  EditPage page;
  page.resize(1200, 800);
  page.show();
  const auto file = save_png(picture(2400, 1600), folder.filePath("big.png").toStdString());
  page.images()->add({file});
  const CompareView* const view = page.preview_panel()->view();
  page.pipelines().shared().add("flip");
  ASSERT_TRUE(wait_until([&] { return view->after().full_size == QSize(2400, 1600); }));
  const double shown_width = view->zoom() * 2400;
  ASSERT_TRUE(wait_until([&] { return view->after().scaled.width() + 1 >= shown_width; }))
      << view->after().scaled.width() << " for " << shown_width;
  EXPECT_GE(view->before().scaled.width() + 1, shown_width);
}

TEST(Density, ThumbnailsFillTheirFrameWithPixelsOfTheScreen) {
  // As fine as it is, it is drawn as it is: 63 units high at any density.
  QListView list;
  const double density = list.devicePixelRatioF();
  const int height = static_cast<int>(std::lround(63 * density));
  const QImage image = fine_picture({height, height});
  QStandardItemModel model;
  auto* const item = new QStandardItem;
  item->setData(image, ImageListModel::ThumbnailRole);
  model.appendRow(item);
  ImageDelegate delegate;
  list.setModel(&model);
  list.setItemDelegate(&delegate);
  list.resize(300, 200);
  list.show();
  const QRect row = list.visualRect(model.index(0, 0)).translated(list.viewport()->pos());
  const QPointF middle = QPointF(row.left() + 6 + 42, row.top() + 6 + 31.5) * density;
  EXPECT_TRUE(lies_in(list.grab().toImage(), image,
                      (middle - QPointF(image.width() / 2.0, image.height() / 2.0)).toPoint()))
      << "density " << density;
}

TEST(Density, SignsAndSwatchesAreAsFineAsTheScreen) {
  EditPage page;
  page.show();
  const double density = page.devicePixelRatioF();
  int signs = 0;
  const auto labels = page.findChildren<QLabel*>();
  for (const QLabel* const label : labels) {
    if (const QPixmap pixmap = label->pixmap(); !pixmap.isNull()) {
      EXPECT_DOUBLE_EQ(pixmap.devicePixelRatio(), density);
      ++signs;
    }
  }
  EXPECT_GE(signs, 2);
  int icons = 0;
  const auto buttons = page.findChildren<QAbstractButton*>();
  for (const QAbstractButton* const button : buttons) {
    // Those that Qt adds by itself, such as the one at the end of a toolbar, have no words.
    if (!button->icon().isNull() && !(button->text() + button->toolTip()).isEmpty()) {
      const QPixmap pixmap = button->icon().pixmap(button->iconSize());
      EXPECT_EQ(pixmap.size(), (QSizeF(button->iconSize()) * density).toSize())
          << button->toolTip().toStdString();
      ++icons;
    }
  }
  EXPECT_GE(icons, 8);
}

TEST(DensityOfOtherScreens, IsNoDifferent) {
  for (const char* const factor : {"1.5", "2"}) {
    QProcess self;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("QT_SCALE_FACTOR", factor);
    self.setProcessEnvironment(environment);
    self.setProcessChannelMode(QProcess::MergedChannels);
    self.start(QCoreApplication::applicationFilePath(), {"--gtest_filter=Density.*"});
    ASSERT_TRUE(self.waitForFinished(120'000));
    const QByteArray output = self.readAll();
    EXPECT_EQ(self.exitCode(), 0) << "at a density of " << factor << ":\n" << output.toStdString();
    EXPECT_TRUE(output.contains("[  PASSED  ] 4 tests")) << output.toStdString();
  }
}

}  // namespace
}  // namespace tessera::desktop
