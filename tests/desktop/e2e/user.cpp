// SPDX-License-Identifier: Apache-2.0
#include "desktop/e2e/user.hpp"

#include <QAbstractItemModel>
#include <QAccessible>
#include <QDir>
#include <QDropEvent>
#include <QLineEdit>
#include <QMimeData>
#include <QSettings>
#include <QStandardPaths>
#include <QTimer>
#include <QUrl>
#include <algorithm>

#include "jobs/model/job_list_model.hpp"
#include "jobs/server/server_settings.hpp"
#include "pipeline/operator_browser.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {

using desktop::JobListModel;
using desktop::JobPhase;
using desktop::JobRecord;

bool becomes_active(QWidget& window) { return QTest::qWaitForWindowActive(&window, patience_ms); }

void click(QWidget* widget) { QTest::mouseClick(widget, Qt::LeftButton, {}, widget->rect().center()); }

void in_next_dialog(QObject* context, const std::function<void(QDialog& dialog)>& work) {
  auto* const timer = new QTimer(context);
  QObject::connect(timer, &QTimer::timeout, context, [timer, work] {
    auto* const dialog = qobject_cast<QDialog*>(QApplication::activeModalWidget());
    if (dialog != nullptr && dialog->isVisible()) {
      timer->stop();
      timer->deleteLater();
      // It is said to be visible before it is laid out: a button then has no height to be clicked on.
      EXPECT_TRUE(becomes_active(*dialog));
      work(*dialog);
      if (dialog->isVisible()) {
        ADD_FAILURE() << "the dialog '" << dialog->windowTitle().toStdString() << "' is still open";
        keep_picture(*dialog, "dialog-that-stayed");
        dialog->reject();
      }
    }
  });
  timer->start(10);
}

void type_file_name(QDialog& dialog, const QString& file) {
  auto* const entry = qobject_cast<QLineEdit*>(dialog.focusWidget());
  ASSERT_NE(entry, nullptr) << "the keyboard is not where names are typed";
  entry->selectAll();
  QTest::keyClicks(entry, file);
  // The dialog looks at the folder on another thread before it lets one go on.
  const auto buttons = dialog.findChildren<QPushButton*>();
  ASSERT_TRUE(comes_true([&] {
    return std::ranges::any_of(buttons, [](const QPushButton* button) {
      return button->isVisible() && button->isDefault() && button->isEnabled();
    });
  }));
  // The list of what it proposes takes the first Return, as it has the keyboard then.
  for (int i = 0; i < 3 && dialog.isVisible(); ++i) {
    QWidget* const proposals = QApplication::activePopupWidget();
    QTest::keyClick(proposals != nullptr ? proposals : entry, Qt::Key_Return);
    QCoreApplication::processEvents();
  }
}

void drop(QWidget* on, const std::vector<std::filesystem::path>& files) {
  QMimeData data;
  QList<QUrl> urls;
  for (const std::filesystem::path& file : files) {
    urls += QUrl::fromLocalFile(desktop::to_qstring(file));
  }
  data.setUrls(urls);
  const QPoint at = on->rect().center();
  QDragEnterEvent enter(at, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(on, &enter);
  ASSERT_TRUE(enter.isAccepted());
  QDropEvent dropped(at, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(on, &dropped);
}

void choose_operation(const QString& words) {
  desktop::OperatorBrowser* browser = nullptr;
  ASSERT_TRUE(comes_true([&] {
    for (QWidget* const widget : QApplication::allWidgets()) {
      auto* const candidate = qobject_cast<desktop::OperatorBrowser*>(widget);
      if (candidate != nullptr && candidate->isVisible()) {
        browser = candidate;
      }
    }
    return browser != nullptr;
  }));
  auto* const search = browser->findChild<QLineEdit*>();
  QTest::keyClicks(search, words);
  QTest::keyClick(search, Qt::Key_Return);
  ASSERT_TRUE(comes_true([&] { return !browser->isVisible(); }));
}

void press(int key, Qt::KeyboardModifiers modifiers) {
  ASSERT_TRUE(comes_true([] { return QApplication::focusWidget() != nullptr; }))
      << "nothing has the keyboard's focus";
  QTest::keyClick(QApplication::focusWidget(), static_cast<Qt::Key>(key), modifiers);
}

void press_in(QWidget& window, int key, Qt::KeyboardModifiers modifiers) {
  ASSERT_TRUE(becomes_active(window)) << "the window does not get the keyboard";
  QTest::keyClick(&window, static_cast<Qt::Key>(key), modifiers);
}

bool tab_to(const QString& accessible_name) {
  QSet<QWidget*> passed;
  EXPECT_TRUE(comes_true([] { return QApplication::focusWidget() != nullptr; }));
  for (QWidget* at = QApplication::focusWidget(); at != nullptr && !passed.contains(at);
       at = QApplication::focusWidget()) {
    if (at->accessibleName() == accessible_name) {
      return true;
    }
    passed.insert(at);
    QTest::keyClick(at, Qt::Key_Tab);
  }
  return false;
}

std::vector<JobRecord> jobs_in(const QAbstractItemModel& model) {
  std::vector<JobRecord> jobs;
  for (int row = 0; row < model.rowCount(); ++row) {
    jobs.push_back(model.index(row, 0).data(JobListModel::RecordRole).value<JobRecord>());
  }
  return jobs;
}

qsizetype count(const QAbstractItemModel& model, JobPhase phase) {
  return std::ranges::count(jobs_in(model), phase, &JobRecord::phase);
}

void begin_anew() {
  QSettings().clear();
  for (const auto place : {QStandardPaths::AppDataLocation, QStandardPaths::CacheLocation}) {
    QDir(QStandardPaths::writableLocation(place)).removeRecursively();
  }
}

void set_up_server(const std::string& url) {
  ASSERT_EQ(desktop::save_server_settings({QString::fromStdString(url), {}, {}}), std::nullopt);
  QSettings().setValue("jobs/place", "server");
}

std::unique_ptr<desktop::MainWindow> open_window() {
  auto window = std::make_unique<desktop::MainWindow>();
  window->show();
  window->activateWindow();
  EXPECT_TRUE(becomes_active(*window));
  return window;
}

void keep_picture(QWidget& window, const QString& name) {
  const QString folder = qEnvironmentVariable("TESSERA_SCREENSHOTS");
  if (!folder.isEmpty()) {
    EXPECT_TRUE(window.grab().save(folder + '/' + name + ".png"));
  }
}

}  // namespace tessera::testing
