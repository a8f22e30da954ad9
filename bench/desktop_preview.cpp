// SPDX-License-Identifier: Apache-2.0
// How soon the desktop program's window stands there, and how soon the preview answers a moved slider:
//   desktop_preview PHOTO
// From the change of the parameter to the frame that shows it, over real windows (or
// QT_QPA_PLATFORM=offscreen).
#include <unistd.h>

#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QTimer>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <opencv2/core/utility.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "images/image_list_model.hpp"
#include "preview/preview_panel.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"
#include "window/theme.hpp"

namespace tessera::desktop {
namespace {

struct Move {
  const char* name;
  const char* parameter;
  double from;
  double step;
};
constexpr Move moves[] = {{"brightness-contrast", "brightness", -20, 2},
                          {"gamma", "gamma", 0.8, 0.05},
                          {"gaussian-blur", "sigma", 1, 0.4},
                          {"unsharp-mask", "sigma", 1, 0.4},
                          {"sharpen", "amount", 0.5, 0.2},
                          {"median", "size", 3, 2},
                          {"bilateral", "sigma-color", 20, 3},
                          {"non-local-means", "strength", 4, 1},
                          {"clahe", "clip-limit", 1, 0.5},
                          {"canny", "low", 40, 5}};
constexpr int moves_each = 12;

/// Milliseconds since the kernel started this process.
double process_age_ms() {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    fields >> field;
  }
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  return 1000 * (uptime - std::stod(field) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

class Latency {
 public:
  explicit Latency(EditPage& page) : page_(page) {
    QObject::connect(page.preview_panel(), &PreviewPanel::shown, &loop_, [this](const PreviewResult& result) {
      if (result.number >= wanted_ && !result.after.scaled.isNull()) {
        page_.preview_panel()->view()->repaint();
        if (wait_for_final_ ? result.final : true) {
          loop_.quit();
        }
      }
    });
  }

  /// Until a frame shows what `change` has done; or the last of its frames.
  double measure(const std::function<void()>& change, bool final) {
    wait_for_final_ = final;
    QElapsedTimer timer;
    timer.start();
    // The request that will follow has a number above all that have been.
    wanted_ = page_.preview_panel()->engine()->newest() + 1;
    change();
    QTimer::singleShot(60'000, &loop_, &QEventLoop::quit);
    loop_.exec();
    return static_cast<double>(timer.nsecsElapsed()) * 1e-6;
  }

 private:
  EditPage& page_;
  QEventLoop loop_;
  std::uint64_t wanted_ = 0;
  bool wait_for_final_ = false;
};

void measure_previews(MainWindow& window, const char* photo) {
  EditPage& page = *window.edit_page();
  Latency latency(page);
  const double first = latency.measure([&] { window.add_images({photo}); }, true);
  std::printf("picture added to preview shown: %.0f ms\n", first);
  std::printf("%-20s %10s %10s %10s\n", "slider of", "median ms", "worst ms", "final ms");
  PipelineModel& pipeline = page.pipelines().shared();
  for (const Move& move : moves) {
    latency.measure([&] { pipeline.replace({{move.name, Json::object()}}, "Bench"); }, true);
    const auto& params = pipeline.entry(0).params;
    const auto param = std::ranges::find(params, move.parameter, &ParamInfo::name);
    std::vector<double> taken;
    for (int i = 0; i < moves_each; ++i) {
      const double value = move.from + i * move.step;
      const Json json =
          param->type == ParamType::integer ? Json(static_cast<std::int64_t>(value)) : Json(value);
      taken.push_back(latency.measure([&] { pipeline.set_value(0, *param, json); }, false));
    }
    // The first value once more: by now the whole picture has not been made with it.
    const Json again =
        param->type == ParamType::integer ? Json(static_cast<std::int64_t>(move.from)) : Json(move.from);
    const double exact = latency.measure([&] { pipeline.set_value(0, *param, again); }, true);
    std::ranges::sort(taken);
    std::printf("%-20s %10.0f %10.0f %10.0f\n", move.name, taken[taken.size() / 2], taken.back(), exact);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace tessera::desktop

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: desktop_preview PHOTO\n");
    return 2;
  }
  cv::setNumThreads(1);
  const QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("tessera-bench");
  QCoreApplication::setApplicationName("desktop-preview");
  tessera::desktop::apply_theme(tessera::desktop::Theme::light);
  tessera::desktop::MainWindow window;
  window.resize(1280, 800);
  window.show();
  window.repaint();
  QApplication::processEvents();
  std::printf("process started to window painted: %.0f ms\n", tessera::desktop::process_age_ms());
  tessera::desktop::measure_previews(window, argv[1]);
  return 0;
}
