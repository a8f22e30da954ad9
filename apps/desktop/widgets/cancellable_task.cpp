// SPDX-License-Identifier: Apache-2.0
#include "widgets/cancellable_task.hpp"

#include <exception>
#include <utility>

namespace tessera::desktop {

CancellableTask::CancellableTask(QObject* parent) : QObject(parent) { thread_.setMaxThreadCount(1); }

CancellableTask::~CancellableTask() {
  stop_.request_stop();
  thread_.clear();
  thread_.waitForDone();
}

void CancellableTask::drop() {
  stop_.request_stop();
  stop_ = std::stop_source();
}

void CancellableTask::start(Work work, Failed failed) {
  thread_.start([this, work = std::move(work), failed = std::move(failed), stop = stop_.get_token()] {
    if (stop.stop_requested()) {
      return;
    }
    Show show;
    try {
      show = work(stop);
    } catch (const std::exception& error) {
      show = [failed, sentence = QString::fromStdString(error.what())] { failed(sentence); };
    }
    QMetaObject::invokeMethod(this, [show, stop] {
      if (!stop.stop_requested()) {
        show();
      }
    });
  });
}

}  // namespace tessera::desktop
