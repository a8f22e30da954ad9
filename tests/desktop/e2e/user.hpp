// SPDX-License-Identifier: Apache-2.0
// What somebody in front of the screen sees and does.
#pragma once

#include <gtest/gtest.h>

#include <QApplication>
#include <QDialog>
#include <QPushButton>
#include <QTabWidget>
#include <QTest>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "jobs/model/job_record.hpp"

class QAbstractItemModel;

namespace tessera::desktop {
class MainWindow;
}

namespace tessera::testing {

constexpr int patience_ms = 60'000;

/// Handles events until the condition holds.
inline bool comes_true(const std::function<bool()>& condition) {
  return QTest::qWaitFor(condition, patience_ms);
}
/// Waits until the window is painted and has the keyboard. The window manager gives it some time after the
/// window is there, and to the one below some time after a dialog has gone.
[[nodiscard]] bool becomes_active(QWidget& window);

/// The visible widget of that accessible name; waits for it.
template <class Widget>
Widget* named(const QString& name) {
  Widget* found = nullptr;
  const bool there = comes_true([&] {
    for (QWidget* const widget : QApplication::allWidgets()) {
      auto* const wanted = qobject_cast<Widget*>(widget);
      if (wanted != nullptr && wanted->isVisible() && wanted->accessibleName() == name) {
        found = wanted;
      }
    }
    return found != nullptr;
  });
  EXPECT_TRUE(there) << "there is no '" << name.toStdString() << "' on the screen";
  return found;
}

template <class Button = QPushButton>
Button* button_with(QWidget* parent, const QString& begin) {
  const auto buttons = parent->findChildren<Button*>();
  for (Button* const button : buttons) {
    if (button->isVisible() && button->text().remove('&').startsWith(begin)) {
      return button;
    }
  }
  ADD_FAILURE() << "there is no button '" << begin.toStdString() << "'";
  return nullptr;
}

void click(QWidget* widget);
/// Does `work` with the dialog that opens next, once it is active; it must close by it.
void in_next_dialog(QObject* context, const std::function<void(QDialog& dialog)>& work);
/// Into a dialog that asks for a file, and confirms it; all with the keyboard.
void type_file_name(QDialog& dialog, const QString& file);
void drop(QWidget* on, const std::vector<std::filesystem::path>& files);
/// Types what to look for into the list of operations that is open, and takes the first.
void choose_operation(const QString& words);
/// A key for whatever has the keyboard's focus.
void press(int key, Qt::KeyboardModifiers modifiers = {});
/// A shortcut of that window, which gets it only when it is active.
void press_in(QWidget& window, int key, Qt::KeyboardModifiers modifiers);
/// Tab, until what has the focus is called that; false if it is not among all that Tab reaches.
[[nodiscard]] bool tab_to(const QString& accessible_name);

/// All jobs of the list, as they are now.
[[nodiscard]] std::vector<desktop::JobRecord> jobs_in(const QAbstractItemModel& model);
[[nodiscard]] qsizetype count(const QAbstractItemModel& model, desktop::JobPhase phase);

/// The user's folders and settings are as on the first day.
void begin_anew();
/// The server that the window will know.
void set_up_server(const std::string& url);
/// Shown, and active.
[[nodiscard]] std::unique_ptr<desktop::MainWindow> open_window();
/// For who wants to look at what the tests see: into the folder that TESSERA_SCREENSHOTS names, if it does.
void keep_picture(QWidget& window, const QString& name);

}  // namespace tessera::testing
