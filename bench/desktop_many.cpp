// SPDX-License-Identifier: Apache-2.0
// Whether the desktop program stays fluid with many images and jobs:
//   desktop_many PHOTO [IMAGES]
// The photograph is in the list many times (500), by as many names; it is looked at, moved through, and
// processed. For each thing that is done: how long the event loop was blocked at most, and by what.
#include <QAbstractItemModel>
#include <QApplication>
#include <QElapsedTimer>
#include <QListView>
#include <QMetaEnum>
#include <QScrollBar>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTimer>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <opencv2/core/utility.hpp>
#include <string>
#include <vector>

#include "images/image_list_model.hpp"
#include "images/images_panel.hpp"
#include "jobs/model/job_list_model.hpp"
#include "preview/preview_panel.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"
#include "window/theme.hpp"

namespace tessera::desktop {
namespace {

/// Measures every event from outside: while one is handled, no other is.
class WatchedApplication final : public QApplication {
 public:
  using QApplication::QApplication;

  struct Block {
    double ms = 0;
    QString by;
  };

  bool notify(QObject* receiver, QEvent* event) override {
    if (depth_ > 0) {
      return QApplication::notify(receiver, event);
    }
    // Both may be gone afterwards.
    const auto type = event->type();
    const QString name = receiver->metaObject()->className();
    ++depth_;
    QElapsedTimer timer;
    timer.start();
    const bool result = QApplication::notify(receiver, event);
    --depth_;
    blocked(static_cast<double>(timer.nsecsElapsed()) * 1e-6,
            name + " " + QMetaEnum::fromType<QEvent::Type>().valueToKey(type));
    return result;
  }

  /// What is done outside of events counts as well.
  void act(const QString& what, const std::function<void()>& action) {
    QElapsedTimer timer;
    timer.start();
    ++depth_;
    action();
    --depth_;
    blocked(static_cast<double>(timer.nsecsElapsed()) * 1e-6, what);
  }

  void begin() {
    worst_ = {};
    long_ones_ = 0;
    clock_.start();
  }
  void report(const char* phase) const {
    std::printf("%-44s %8.1f %10.0f %8d  %s\n", phase, static_cast<double>(clock_.elapsed()) / 1000,
                worst_.ms, long_ones_, qPrintable(worst_.by));
    std::fflush(stdout);
  }

 private:
  void blocked(double ms, const QString& by) {
    constexpr double frame_ms = 1000.0 / 60;
    long_ones_ += ms > frame_ms ? 1 : 0;
    if (ms > worst_.ms) {
      worst_ = {ms, by};
    }
  }

  int depth_ = 0;
  Block worst_;
  int long_ones_ = 0;
  QElapsedTimer clock_;
};

bool handle_events_until(const std::function<bool()>& condition, int patience_ms) {
  QElapsedTimer timer;
  timer.start();
  QTimer awake;
  awake.start(20);
  while (!condition()) {
    if (timer.elapsed() > patience_ms) {
      return false;
    }
    QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
  }
  return true;
}

class Session {
 public:
  Session(WatchedApplication& app, MainWindow& window, std::vector<std::filesystem::path> files)
      : app_(app), window_(window), page_(*window.edit_page()), files_(std::move(files)) {}

  int run() {
    std::printf("%-44s %8s %10s %8s  %s\n", "", "seconds", "longest ms", "> 16 ms", "longest by");
    const int count = static_cast<int>(files_.size());
    bool well = phase("added until all thumbnails are read", [&] {
      app_.act("adding", [&] { window_.add_images(files_); });
      return handle_events_until([&] { return page_.images()->rowCount() == count && read() == count; },
                                 600'000);
    });
    well &= phase("scrolled through the images", [&] { return scroll(*page_.images_panel()->list()); });
    well &= phase("another image selected, 20 times", [&] { return select(); });
    well &= phase("a slider moved 50 times", [&] { return move_slider(); });
    well &= phase("100 images removed", [&] {
      QModelIndexList rows;
      for (int row = 0; row < count; row += std::max(1, count / 100)) {
        rows << page_.images()->index(row);
      }
      app_.act("removing", [&] { page_.images()->remove(rows); });
      return handle_events_until([&] { return page_.images()->rowCount() < count; }, 1000);
    });
    const int left = page_.images()->rowCount();
    auto* const tabs = window_.findChild<QTabWidget*>();
    QListView* jobs = nullptr;
    well &= phase("the others processed on this computer", [&] {
      app_.act("submitting", [&] { page_.submit(); });
      app_.act("showing the jobs", [&] { tabs->setCurrentIndex(1); });
      for (QListView* const list : window_.findChildren<QListView*>()) {
        jobs = list->accessibleName() == "Jobs" ? list : jobs;
      }
      return jobs != nullptr &&
             handle_events_until([&] { return jobs->model()->rowCount() >= left && ended(*jobs) >= left; },
                                 1'800'000);
    });
    well &= jobs != nullptr && phase("scrolled through the jobs", [&] { return scroll(*jobs); });
    return well ? 0 : 1;
  }

 private:
  bool phase(const char* name, const std::function<bool()>& work) {
    app_.begin();
    const bool well = work();
    app_.report(well ? name : (std::string(name) + ": NOT DONE").c_str());
    return well;
  }

  int read() {
    int result = 0;
    for (int row = 0; row < page_.images()->rowCount(); ++row) {
      result += page_.images()->facts(row) != nullptr ? 1 : 0;
    }
    return result;
  }

  static int ended(const QListView& jobs) {
    int result = 0;
    for (int row = 0; row < jobs.model()->rowCount(); ++row) {
      const auto job = jobs.model()->index(row, 0).data(JobListModel::RecordRole).value<JobRecord>();
      result += job.phase == JobPhase::done ? 1 : 0;
    }
    return result;
  }

  bool scroll(QListView& list) {
    constexpr int steps = 100;
    QScrollBar& bar = *list.verticalScrollBar();
    for (int i = 0; i <= steps; ++i) {
      app_.act("scrolling", [&] {
        bar.setValue(bar.minimum() + (bar.maximum() - bar.minimum()) * i / steps);
        list.viewport()->repaint();
      });
      QCoreApplication::processEvents();
    }
    return bar.maximum() > bar.minimum();
  }

  bool select() {
    QListView& list = *page_.images_panel()->list();
    for (int i = 0; i < 20; ++i) {
      const int row = (i + 1) * 7 % list.model()->rowCount();
      const auto before = page_.preview_panel()->engine()->newest();
      app_.act("selecting", [&] { list.setCurrentIndex(list.model()->index(row, 0)); });
      if (!handle_events_until([&] { return page_.preview_panel()->engine()->newest() > before; }, 10'000)) {
        return false;
      }
    }
    return true;
  }

  bool move_slider() {
    PipelineModel& pipeline = page_.pipelines().shared();
    pipeline.replace({{"resize", Json{{"width", 300}, {"height", 0}}}, {"gaussian-blur", Json::object()}},
                     "Bench");
    const auto& params = pipeline.entry(1).params;
    const auto sigma = std::ranges::find(params, "sigma", &ParamInfo::name);
    for (int i = 0; i < 50; ++i) {
      app_.act("moving", [&] { pipeline.set_value(1, *sigma, 1 + 0.1 * i); });
      QElapsedTimer timer;
      timer.start();
      handle_events_until([&] { return timer.elapsed() >= 16; }, 1000);
    }
    return true;
  }

  WatchedApplication& app_;
  MainWindow& window_;
  EditPage& page_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace
}  // namespace tessera::desktop

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using namespace tessera::desktop;
  if (argc < 2) {
    std::fprintf(stderr, "Usage: desktop_many PHOTO [IMAGES]\n");
    return 2;
  }
  // Nothing of this may end in the user's own lists.
  const QTemporaryDir home;
  for (const char* folder : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) {
    qputenv(folder, home.filePath(folder).toUtf8());
  }
  cv::setNumThreads(1);
  WatchedApplication app(argc, argv);
  QCoreApplication::setOrganizationName("tessera-bench");
  QCoreApplication::setApplicationName("desktop-many");
  const QTemporaryDir folder;
  const fs::path photo = fs::absolute(argv[1]);
  std::vector<fs::path> files;
  for (int i = 0, count = argc > 2 ? std::stoi(argv[2]) : 500; i < count; ++i) {
    files.emplace_back(folder.filePath(QStringLiteral("%1").arg(i, 4, 10, QChar('0'))).toStdString());
    files.back() += photo.extension();
    fs::create_symlink(photo, files.back());
  }
  apply_theme(Theme::light);
  MainWindow window;
  window.resize(1280, 800);
  window.show();
  QApplication::processEvents();
  return Session(app, window, files).run();
}
