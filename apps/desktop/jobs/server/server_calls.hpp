// SPDX-License-Identifier: Apache-2.0
// Calls to a server on threads of their own.
#pragma once

#include <QObject>
#include <QThreadPool>
#include <functional>
#include <stop_token>

#include "base/error.hpp"

namespace tessera::desktop {

/// Requests and transfers have threads apart, so that big images on their way hold up no request.
class ServerCalls : public QObject {
  Q_OBJECT

 public:
  enum class Kind { request, transfer };
  using Work = std::function<void(const std::stop_token& stop)>;
  using Failed = std::function<void(const Error& error)>;

  explicit ServerCalls(QObject* parent = nullptr);
  ~ServerCalls() override { end(); }

  /// Runs `work` on another thread. What it throws is given to `failed` on this object's thread. `stop` is
  /// what the work is given to look at; without one it is asked to stop by end().
  void start(Kind kind, Work work, Failed failed, std::stop_token stop = {});
  /// From any thread: runs `work` on this object's, soon. What it throws is told by not_understood().
  void here(std::function<void()> work);
  /// Asks all calls to stop, and waits for them. Those that have a stop of their own must have been asked.
  void end();

 Q_SIGNALS:
  /// An answer of the server had not the form that it should have.
  void not_understood(const QString& sentence);

 private:
  std::stop_source ending_;
  QThreadPool requests_;
  QThreadPool transfers_;
};

}  // namespace tessera::desktop
