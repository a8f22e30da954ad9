// SPDX-License-Identifier: Apache-2.0
// The light and the dark window: what the pictures in the documentation show (TESSERA_SCREENSHOTS=docs makes
// them anew).
#include <gtest/gtest.h>

#include <QAction>
#include <QListView>
#include <QMenu>

#include "desktop/e2e/user.hpp"
#include "images/image_list_model.hpp"
#include "preview/preview_panel.hpp"
#include "service/service_process.hpp"
#include "window/edit_page.hpp"
#include "window/main_window.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

void choose_theme(const desktop::MainWindow& window, const QString& name) {
  for (QAction* const action : window.findChildren<QAction*>()) {
    if (action->text().remove('&') == name) {
      action->trigger();
      return;
    }
  }
  FAIL() << "there is no theme '" << name.toStdString() << "'";
}

/// Of everything that is not a picture: most of what a window is made of.
int lightness_of_most(desktop::MainWindow& window) {
  const QImage seen = window.grab().toImage();
  std::vector<int> lightness;
  for (int y = 0; y < seen.height(); y += 5) {
    for (int x = 0; x < seen.width(); x += 5) {
      lightness.push_back(seen.pixelColor(x, y).lightness());
    }
  }
  std::ranges::nth_element(lightness, lightness.begin() + std::ssize(lightness) / 2);
  return lightness[lightness.size() / 2];
}

TEST(Themes, AreChosenInTheMenu) {
  begin_anew();
  const ServerFolder camera;
  std::vector<fs::path> photos;
  for (const fs::path& photo : photographs(3)) {
    photos.push_back(camera.path() / photo.stem().concat(".jpg"));
    ASSERT_EQ(tessera({"apply", "--quiet", "resize width=4000", photo, "-o", photos.back()}).exit_code, 0);
  }
  const auto window = open_window();
  window->resize(1280, 800);
  desktop::EditPage& page = *window->edit_page();
  page.pipelines().shared().replace(parse_pipeline("saturate factor=1.8 | unsharp-mask"), "Test");
  bool exact = false;
  QObject::connect(page.preview_panel(), &desktop::PreviewPanel::shown, window.get(),
                   [&](const desktop::PreviewResult& result) { exact = result.final; });
  drop(window.get(), photos);
  ASSERT_TRUE(comes_true([&] {
    for (int row = 0; row < static_cast<int>(photos.size()); ++row) {
      if (page.images()->facts(row) == nullptr) {
        return false;
      }
    }
    return exact && page.images()->rowCount() == static_cast<int>(photos.size());
  }));
  choose_theme(*window, "Light");
  EXPECT_TRUE(comes_true([&] { return lightness_of_most(*window) > 200; }));
  keep_picture(*window, "desktop-light");
  choose_theme(*window, "Dark");
  EXPECT_TRUE(comes_true([&] { return lightness_of_most(*window) < 80; }));
  keep_picture(*window, "desktop-dark");
  choose_theme(*window, "As the system");
}

}  // namespace
}  // namespace tessera::testing
