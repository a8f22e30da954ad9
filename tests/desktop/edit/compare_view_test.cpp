// SPDX-License-Identifier: Apache-2.0
#include "view/compare_view.hpp"

#include <gtest/gtest.h>

#include <QTest>
#include <QWheelEvent>

namespace tessera::desktop {
namespace {

class CompareViewTest : public ::testing::Test {
 protected:
  CompareViewTest() {
    QImage before(1000, 800, QImage::Format_RGB32);
    before.fill(Qt::red);
    QImage after(1000, 800, QImage::Format_RGB32);
    after.fill(Qt::blue);
    for (int x = 0; x < 1000; ++x) {
      after.setPixelColor(x, 400, QColor(0, x % 256, 255));
    }
    view_.resize(400, 320);
    view_.set_images(before, after);
    view_.show();
  }
  QColor at(int x, int y) { return view_.grab().toImage().pixelColor(x, y); }

  CompareView view_;
};

TEST_F(CompareViewTest, FitsAndSaysWhatIsSeen) {
  EXPECT_TRUE(view_.fits());
  EXPECT_NEAR(view_.zoom(), 0.4, 1e-9);
  EXPECT_EQ(view_.visible_region(), QRect(0, 0, 1000, 800));
}

TEST_F(CompareViewTest, TheSliderDividesBeforeAndAfter) {
  EXPECT_EQ(at(100, 280), QColor(Qt::red));
  EXPECT_EQ(at(300, 280), QColor(Qt::blue));
  QTest::mousePress(&view_, Qt::LeftButton, {}, {200, 160});
  QTest::mouseMove(&view_, {350, 160});
  QTest::mouseRelease(&view_, Qt::LeftButton, {}, {350, 160});
  EXPECT_EQ(at(300, 280), QColor(Qt::red));
  EXPECT_EQ(at(390, 280), QColor(Qt::blue));
}

TEST_F(CompareViewTest, HoldingTheSpaceBarShowsTheOriginal) {
  view_.set_mode(CompareView::Mode::after_only);
  EXPECT_EQ(at(100, 280), QColor(Qt::blue));
  QTest::keyPress(&view_, Qt::Key_Space);
  EXPECT_EQ(at(100, 280), QColor(Qt::red));
  QTest::keyRelease(&view_, Qt::Key_Space);
  EXPECT_EQ(at(100, 280), QColor(Qt::blue));
}

TEST_F(CompareViewTest, SideBySideShowsTheSamePlaceTwice) {
  view_.set_mode(CompareView::Mode::side_by_side);
  EXPECT_EQ(at(100, 160), QColor(Qt::red));
  EXPECT_EQ(at(300, 170), QColor(Qt::blue));
}

TEST_F(CompareViewTest, AtFullSizePixelsAreTheirOwn) {
  view_.set_mode(CompareView::Mode::after_only);
  view_.set_zoom(1);
  const QRect seen = view_.visible_region();
  EXPECT_EQ(seen.size(), QSize(400, 320));
  const QImage shot = view_.grab().toImage();
  for (const int x : {3, 150, 390}) {
    EXPECT_EQ(shot.pixelColor(x, 400 - seen.y()), QColor(0, (x + seen.x()) % 256, 255)) << x;
  }
}

TEST_F(CompareViewTest, ZoomKeepsThePlaceUnderThePointer) {
  view_.set_mode(CompareView::Mode::after_only);
  QWheelEvent wheel({100, 80}, view_.mapToGlobal(QPointF(100, 80)), {}, {0, 480}, Qt::NoButton,
                    Qt::NoModifier, Qt::NoScrollPhase, false);
  QCoreApplication::sendEvent(&view_, &wheel);
  const QRect seen = view_.visible_region();
  EXPECT_NEAR(seen.x() + 100 / view_.zoom(), 250, 3);
  EXPECT_NEAR(seen.y() + 80 / view_.zoom(), 200, 3);
}

TEST_F(CompareViewTest, PanningStopsAtTheEdges) {
  view_.set_zoom(1);
  for (int i = 0; i < 40; ++i) {
    QTest::keyClick(&view_, Qt::Key_Left);
    QTest::keyClick(&view_, Qt::Key_Up);
  }
  EXPECT_EQ(view_.visible_region().topLeft(), QPoint(0, 0));
}

TEST_F(CompareViewTest, DetailLiesOverTheCopy) {
  Picture after = view_.after();
  after.scaled = after.scaled.scaled(100, 80);
  after.detail_rect = {400, 300, 200, 200};
  after.detail = QImage(200, 200, QImage::Format_RGB32);
  after.detail.fill(Qt::green);
  view_.set_after(after);
  view_.set_mode(CompareView::Mode::after_only);
  EXPECT_EQ(at(200, 160), QColor(Qt::green));
  EXPECT_EQ(at(60, 300), QColor(Qt::blue));
}

}  // namespace
}  // namespace tessera::desktop
