// SPDX-License-Identifier: Apache-2.0
// Pictures for the tests, and waiting for what comes from other threads.
#pragma once

#include <QEventLoop>
#include <QImage>
#include <QTimer>
#include <filesystem>
#include <functional>

#include "support/reference_run.hpp"

namespace tessera::desktop::testing {

using tessera::testing::difference;

/// Something for every operator to work on.
[[nodiscard]] inline Tile picture(int width, int height, const PixelFormat& format = {}) {
  return tessera::testing::make_image({{width, height}, format}, tessera::testing::Pattern::photo_like, 7);
}

inline std::filesystem::path save_png(const Tile& tile, const std::filesystem::path& file) {
  const QImage image(tile.color.data, tile.color.cols, tile.color.rows,
                     static_cast<qsizetype>(tile.color.step), QImage::Format_RGB888);
  image.save(QString::fromStdString(file.string()));
  return file;
}

/// Runs the event loop until `done`; false after a minute.
inline bool wait_until(const std::function<bool()>& done) {
  QEventLoop loop;
  QTimer poll;
  QTimer limit;
  limit.setSingleShot(true);
  QObject::connect(&poll, &QTimer::timeout, &loop, [&] {
    if (done()) {
      loop.quit();
    }
  });
  QObject::connect(&limit, &QTimer::timeout, &loop, &QEventLoop::quit);
  poll.start(2);
  limit.start(60'000);
  if (!done()) {
    loop.exec();
  }
  return done();
}

}  // namespace tessera::desktop::testing
