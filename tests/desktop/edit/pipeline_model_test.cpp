// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline_model.hpp"

#include <gtest/gtest.h>

#include <QAbstractItemModelTester>
#include <QMimeData>
#include <memory>

namespace tessera::desktop {
namespace {

class PipelineModelTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string text() const {
    return model_.pipeline().empty() ? "" : to_text(model_.pipeline());
  }
  [[nodiscard]] const ParamInfo& param(int row, const std::string& name) const {
    for (const ParamInfo& info : model_.entry(row).params) {
      if (info.name == name) {
        return info;
      }
    }
    throw std::out_of_range(name);
  }

  PipelineModel model_;
  QAbstractItemModelTester tester_{&model_, QAbstractItemModelTester::FailureReportingMode::Fatal};
};

TEST_F(PipelineModelTest, EveryEditCanBeUndoneAndRedone) {
  std::vector<std::string> texts{text()};
  const auto did = [&] { texts.push_back(text()); };
  model_.add("gaussian-blur");
  did();
  model_.add("otsu");
  did();
  model_.add("median", 1);
  did();
  model_.set_value(0, param(0, "sigma"), 4.0);
  did();
  model_.move(0, 2);
  did();
  model_.set_enabled(1, false);
  did();
  model_.duplicate(2);
  did();
  model_.remove(0);
  did();
  model_.reset_values(1);
  did();
  model_.replace(parse_pipeline("gamma gamma=2 | flip"), "Paste");
  did();
  EXPECT_EQ(texts.back(), "gamma gamma=2 | flip");
  ASSERT_EQ(model_.undo_stack()->count(), static_cast<int>(texts.size()) - 1);
  for (std::size_t i = texts.size(); i-- > 0;) {
    EXPECT_EQ(text(), texts[i]);
    model_.undo_stack()->undo();
  }
  for (const std::string& expected : texts) {
    EXPECT_EQ(text(), expected);
    model_.undo_stack()->redo();
  }
}

TEST_F(PipelineModelTest, OneDragOfASliderIsOneStepOfUndo) {
  model_.add("gaussian-blur");
  for (const double sigma : {2.0, 3.0, 4.0}) {
    model_.set_value(0, param(0, "sigma"), sigma);
  }
  model_.end_gesture();
  model_.set_value(0, param(0, "sigma"), 5.0);
  EXPECT_EQ(text(), "gaussian-blur sigma=5");
  model_.undo_stack()->undo();
  EXPECT_EQ(text(), "gaussian-blur sigma=4");
  model_.undo_stack()->undo();
  EXPECT_EQ(text(), "gaussian-blur");
}

TEST_F(PipelineModelTest, ADragThatEndsWhereItBeganLeavesNothingToUndo) {
  model_.add("gaussian-blur");
  model_.set_value(0, param(0, "sigma"), 2.0);
  model_.end_gesture();
  model_.set_value(0, param(0, "sigma"), 3.0);
  model_.set_value(0, param(0, "sigma"), 2.0);
  EXPECT_EQ(model_.undo_stack()->count(), 2);
}

TEST_F(PipelineModelTest, ValuesOutOfRangeAreNotTaken) {
  model_.add("median");
  model_.set_value(0, param(0, "size"), 4);
  EXPECT_EQ(text(), "median");
  model_.set_value(0, param(0, "size"), 7);
  EXPECT_EQ(text(), "median size=7");
}

TEST_F(PipelineModelTest, RowsMoveByDragAndOperatorsAreDropped) {
  model_.add("gaussian-blur");
  model_.add("median");
  model_.add("otsu");
  const std::unique_ptr<QMimeData> first(model_.mimeData({model_.index(0)}));
  model_.dropMimeData(first.get(), Qt::MoveAction, 3, 0, {});
  EXPECT_EQ(text(), "median | otsu | gaussian-blur");
  const std::unique_ptr<QMimeData> last(model_.mimeData({model_.index(2)}));
  model_.dropMimeData(last.get(), Qt::MoveAction, 1, 0, {});
  EXPECT_EQ(text(), "median | gaussian-blur | otsu");
  QMimeData operation;
  operation.setData(PipelineModel::operator_type, "invert");
  model_.dropMimeData(&operation, Qt::CopyAction, 0, 0, {});
  EXPECT_EQ(text(), "invert | median | gaussian-blur | otsu");
}

TEST_F(PipelineModelTest, SwitchedOffOperatorsDoNotRunButStay) {
  model_.add("gaussian-blur");
  model_.add("otsu");
  EXPECT_TRUE(model_.setData(model_.index(0), Qt::Unchecked, Qt::CheckStateRole));
  EXPECT_EQ(text(), "otsu");
  EXPECT_EQ(model_.rowCount(), 2);
}

}  // namespace
}  // namespace tessera::desktop
