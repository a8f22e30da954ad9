// SPDX-License-Identifier: Apache-2.0
// Work on another thread for what is shown at the moment.
#pragma once

#include <QObject>
#include <QThreadPool>
#include <functional>
#include <stop_token>

namespace tessera::desktop {

/// One thread: what is started later is done later. What is shown may change at any time; then all that was
/// started for it is dropped.
class CancellableTask : public QObject {
  Q_OBJECT

 public:
  /// Runs on this object's thread with what came of the work.
  using Show = std::function<void()>;
  using Work = std::function<Show(const std::stop_token& stop)>;
  using Failed = std::function<void(const QString& sentence)>;

  explicit CancellableTask(QObject* parent = nullptr);
  /// Drops everything and waits for the thread.
  ~CancellableTask() override;

  /// Runs `work` on the other thread and then, on this object's, what it returns; or `failed` with the
  /// sentence of what it threw. Neither is run once the work is dropped.
  void start(Work work, Failed failed);
  void drop();

 private:
  std::stop_source stop_;
  QThreadPool thread_;
};

}  // namespace tessera::desktop
