// SPDX-License-Identifier: Apache-2.0
#include "widgets/thumbnails.hpp"

#include "base/error.hpp"
#include "widgets/image_loading.hpp"

namespace tessera::desktop {

Thumbnails::Thumbnails(QSize size, QObject* parent) : QObject(parent), size_(size) {
  workers_.setMaxThreadCount(1);  // the other cores are for the work itself
}

Thumbnails::~Thumbnails() {
  stop_.request_stop();
  workers_.clear();
  workers_.waitForDone();
}

void Thumbnails::want(const QString& key, const QString& file) {
  if (file.isEmpty() || wanted_.value(key) == file) {
    return;
  }
  wanted_[key] = file;
  workers_.start(
      [this, key, file, size = size_, stop = stop_.get_token()] {
        QImage image;
        try {
          image = load_thumbnail(file, size, stop);
        } catch (const std::exception&) {
          return;  // the job itself tells what is wrong with the image
        }
        QMetaObject::invokeMethod(this, [this, key, file, image] {
          if (wanted_.value(key) == file) {
            Q_EMIT made(key, image);
          }
        });
      },
      ++order_);
}

}  // namespace tessera::desktop
