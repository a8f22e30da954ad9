// SPDX-License-Identifier: Apache-2.0
// The whole way with the keyboard alone, and what somebody hears who does not see the screen.
#include <gtest/gtest.h>

#include <QAbstractSpinBox>
#include <QAccessible>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QLineEdit>
#include <QListView>
#include <QSettings>
#include <QTabWidget>

#include "desktop/e2e/user.hpp"
#include "jobs/job_details.hpp"
#include "jobs/model/job_list_model.hpp"
#include "jobs/server/server_dialog.hpp"
#include "ops/catalog.hpp"
#include "pipeline/operator_form.hpp"
#include "pipeline/pipeline_model.hpp"
#include "pipeline/pipeline_panel.hpp"
#include "service/service_process.hpp"
#include "view/compare_view.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {
namespace {

using desktop::JobPhase;

QString name_of(QWidget& widget) {
  QAccessibleInterface* const spoken = QAccessible::queryAccessibleInterface(&widget);
  return spoken != nullptr ? spoken->text(QAccessible::Name) : QString();
}

QString path_of(const QWidget* widget) {
  QStringList names;
  for (; widget != nullptr; widget = widget->parentWidget()) {
    names.prepend(QString::fromLatin1(widget->metaObject()->className()) +
                  (widget->objectName().isEmpty() ? QString() : '#' + widget->objectName()));
  }
  return names.join(" > ");
}

/// Of those within `root` that Tab reaches, the ones without a name. The insides of a widget, such as the
/// entry of a spin box or the list that a combo box opens, speak with the name of the widget.
QStringList without_name(QWidget& root) {
  QStringList nameless;
  const auto widgets = root.findChildren<QWidget*>();
  for (QWidget* const widget : widgets) {
    const bool inside = qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr ||
                        widget->window() != root.window();
    if ((widget->focusPolicy() & Qt::TabFocus) != 0 && !inside && name_of(*widget).isEmpty()) {
      nameless += path_of(widget);
    }
  }
  return nameless;
}

TEST(AccessibleNames, AreThereForAllThatHasTheFocus) {
  begin_anew();
  const auto window = open_window();
  drop(window.get(), photographs(1));
  window->edit_page()->pipelines().shared().replace(parse_pipeline("harris"), "Test");
  QPushButton* const process = button_with(window->edit_page(), "Process");
  ASSERT_TRUE(comes_true([&] { return process->isEnabled(); }));
  click(process);
  const auto* const jobs = named<QListView>("Jobs");
  ASSERT_TRUE(comes_true([&] { return count(*jobs->model(), JobPhase::done) == 1; }));
  const QStringList nameless = without_name(*window);
  EXPECT_TRUE(nameless.isEmpty()) << nameless.join('\n').toStdString();
  desktop::ServerDialog dialog({}, window.get());
  EXPECT_TRUE(without_name(dialog).isEmpty()) << without_name(dialog).join('\n').toStdString();
}

TEST(AccessibleNames, AreThereInTheFormOfEveryOperator) {
  begin_anew();
  const auto window = open_window();
  desktop::PipelineModel& model = window->edit_page()->pipelines().shared();
  auto* const form = window->findChild<desktop::OperatorForm*>();
  for (const CatalogEntry& entry : catalog()) {
    model.replace({{std::string(entry.info.name), Json::object()}}, "Test");
    form->show_operator(&model, 0);
    EXPECT_TRUE(without_name(*form).isEmpty())
        << entry.info.name << ": " << without_name(*form).join('\n').toStdString();
  }
}

TEST(Keyboard, GoesFromAFileToItsResult) {
  begin_anew();
  const ServerFolder folder;
  const std::filesystem::path photo = photographs(1).front();
  // The dialogs begin where files were taken from and saved to the last time.
  QSettings().setValue("images/folder", desktop::to_qstring(photo.parent_path()));
  QSettings().setValue("jobs/save_folder", desktop::to_qstring(folder.path()));
  const auto window = open_window();

  // A file is added by its name.
  in_next_dialog(window.get(),
                 [&](QDialog& dialog) { type_file_name(dialog, desktop::to_qstring(photo.filename())); });
  press_in(*window, Qt::Key_O, Qt::ControlModifier);
  const auto* const images = named<QListView>("Images");
  ASSERT_NE(images, nullptr);
  ASSERT_TRUE(comes_true([&] { return images->model()->rowCount() == 1; }));

  // An operation is added, and one of its values changed; Tab leads there.
  press_in(*window, Qt::Key_K, Qt::ControlModifier);
  choose_operation("gaussian blur");
  ASSERT_TRUE(tab_to("Sigma")) << "Tab does not lead to the value";
  if (qobject_cast<QAbstractSpinBox*>(QApplication::focusWidget()) == nullptr) {
    press(Qt::Key_Tab);  // from the slider to the entry
  }
  auto* const sigma = qobject_cast<QAbstractSpinBox*>(QApplication::focusWidget());
  ASSERT_NE(sigma, nullptr);
  QTest::keyClick(sigma, Qt::Key_A, Qt::ControlModifier);
  QTest::keyClicks(sigma, "2.5");
  press(Qt::Key_Return);
  ASSERT_EQ(to_text(window->edit_page()->pipelines().shared().pipeline()), "gaussian-blur sigma=2.5");

  // It is processed. The keyboard is in the list of jobs then, with the new one selected.
  QPushButton* const process = button_with(window->edit_page(), "Process");
  ASSERT_TRUE(comes_true([&] { return process->isEnabled(); }));
  press(Qt::Key_Return, Qt::ControlModifier);
  const auto* const jobs = named<QListView>("Jobs");
  EXPECT_EQ(QApplication::focusWidget(), jobs) << path_of(QApplication::focusWidget()).toStdString();
  ASSERT_TRUE(comes_true([&] { return count(*jobs->model(), JobPhase::done) == 1; }));

  // Return leads into the result; the space bar shows the original there.
  press(Qt::Key_Return);
  const auto* const view = qobject_cast<desktop::CompareView*>(QApplication::focusWidget());
  ASSERT_NE(view, nullptr) << path_of(QApplication::focusWidget()).toStdString();
  EXPECT_TRUE(comes_true([&] { return !view->before().scaled.isNull() && !view->after().scaled.isNull(); }));

  // It is saved.
  const auto saved = folder.path() / "result.png";
  in_next_dialog(window.get(),
                 [&](QDialog& dialog) { type_file_name(dialog, desktop::to_qstring(saved.filename())); });
  press(Qt::Key_S, Qt::ControlModifier);
  EXPECT_TRUE(comes_true([&] { return std::filesystem::exists(saved); }));
}

}  // namespace
}  // namespace tessera::testing
