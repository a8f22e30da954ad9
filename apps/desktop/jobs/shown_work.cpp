#include "jobs/shown_work.hpp"

#include <exception>
#include <utility>

namespace tessera::desktop {

ShownWork::ShownWork(QObject* parent) : QObject(parent) { thread_.setMaxThreadCount(1); }

ShownWork::~ShownWork() {
  stop_.request_stop();
  thread_.clear();
  thread_.waitForDone();
}

void ShownWork::drop() {
  stop_.request_stop();
  stop_ = std::stop_source();
}

void ShownWork::start(Work work, Failed failed) {
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
