// SPDX-License-Identifier: Apache-2.0
// Forms of all operators, drawn from the catalogue and used as a person would.
#include "pipeline/operator_form.hpp"

#include <gtest/gtest.h>

#include <QAbstractSpinBox>
#include <QDoubleSpinBox>
#include <QSlider>
#include <QTest>
#include <QToolButton>

#include "catalog/names.hpp"
#include "pipeline/operator_browser.hpp"
#include "pipeline/value_editors.hpp"

namespace tessera::desktop {
namespace {

TEST(OperatorForm, EveryParameterHasAnEditorThatSaysWhatItIs) {
  for (const CatalogEntry& entry : catalog()) {
    PipelineModel model;
    model.add(std::string(entry.info.name));
    OperatorForm form;
    form.show_operator(&model, 0);
    const auto editors = form.findChildren<ValueEditor*>();
    ASSERT_EQ(static_cast<std::size_t>(editors.size()), entry.params.size()) << entry.info.name;
    for (const ValueEditor* editor : editors) {
      EXPECT_FALSE(editor->toolTip().isEmpty());
      bool named = false;
      for (const QWidget* part : editor->findChildren<QWidget*>()) {
        named = named || !part->accessibleName().isEmpty() || !part->accessibleDescription().isEmpty();
      }
      EXPECT_TRUE(named) << entry.info.name;
    }
    // Looking at an operator changes nothing.
    EXPECT_EQ(model.undo_stack()->count(), 1) << entry.info.name;
    EXPECT_TRUE(model.items()[0].step.parameters.empty()) << entry.info.name;
  }
}

TEST(OperatorForm, TypedNumbersMovedSlidersAndResetReachThePipeline) {
  PipelineModel model;
  model.add("gaussian-blur");
  OperatorForm form;
  form.show_operator(&model, 0);
  form.show();
  auto* entry = form.findChild<QDoubleSpinBox*>();
  ASSERT_NE(entry, nullptr);
  entry->setFocus();
  entry->selectAll();
  QTest::keyClicks(entry, QLocale().toString(3.25));
  QTest::keyClick(entry, Qt::Key_Return);
  EXPECT_EQ(to_text(model.pipeline()), "gaussian-blur sigma=3.25");
  auto* slider = form.findChild<QSlider*>();
  slider->setValue(slider->maximum());
  EXPECT_EQ(to_text(model.pipeline()), "gaussian-blur sigma=8");
  EXPECT_DOUBLE_EQ(entry->value(), 8);
  model.undo_stack()->undo();
  EXPECT_DOUBLE_EQ(entry->value(), 3.25);
  QToolButton* reset = nullptr;
  for (QToolButton* button : form.findChildren<QToolButton*>()) {
    if (button->accessibleName() == "Reset Sigma") {
      reset = button;
    }
  }
  ASSERT_NE(reset, nullptr);
  reset->click();
  EXPECT_EQ(to_text(model.pipeline()), "gaussian-blur");
}

TEST(ValueEditors, SlidersReachBothEndsAndComeBack) {
  for (const CatalogEntry& entry : catalog()) {
    for (const ParamInfo& param : entry.params) {
      if (param.type != ParamType::number && param.type != ParamType::integer) {
        continue;
      }
      EXPECT_NEAR(slider_value(param, 0, 1000), param.limits.slider_min, 1) << entry.info.name << param.name;
      EXPECT_NEAR(slider_value(param, 1000, 1000), param.limits.slider_max, 1)
          << entry.info.name << param.name;
      for (const int position : {0, 250, 600, 1000}) {
        const double value = slider_value(param, position, 1000);
        const Json json =
            param.type == ParamType::integer ? Json(static_cast<std::int64_t>(value)) : Json(value);
        EXPECT_NO_THROW(check_value(entry.info.name, param, json)) << entry.info.name << param.name << value;
        EXPECT_NEAR(slider_value(param, slider_position(param, value, 1000), 1000), value,
                    (param.limits.slider_max - param.limits.slider_min) / 500);
      }
    }
  }
}

TEST(CatalogNames, TextsThatNameImagesAreTold) {
  int images = 0;
  for (const CatalogEntry& entry : catalog()) {
    for (const ParamInfo& param : entry.params) {
      if (param.type == ParamType::text) {
        EXPECT_EQ(names_image(entry, param), param.name == "image") << entry.info.name << param.name;
        images += names_image(entry, param) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(images, 0);
}

TEST(OperatorBrowser, ChoosesWhatWasSearchedByKeyboard) {
  OperatorBrowser browser;
  std::string chosen;
  QObject::connect(&browser, &OperatorBrowser::chosen, [&](const std::string& name) { chosen = name; });
  const QWidget anchor;
  browser.pop_up(&anchor);
  auto* search = browser.findChild<QWidget*>(QString(), Qt::FindDirectChildrenOnly);
  ASSERT_NE(search, nullptr);
  QTest::keyClicks(search, "median");
  QTest::keyClick(search, Qt::Key_Return);
  EXPECT_EQ(chosen, "median");
  EXPECT_FALSE(browser.isVisible());
}

}  // namespace
}  // namespace tessera::desktop
