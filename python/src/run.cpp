// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "communicator.hpp"

namespace tessera::python {
namespace {

constexpr std::chrono::milliseconds between_signal_checks{50};

/// What the worker thread and the calling thread tell each other.
struct Exchange {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;                   ///< guarded by mutex
  std::exception_ptr work_failure;     ///< read after the worker has ended
  std::exception_ptr callback_raised;  ///< guarded by the GIL
  std::stop_source stop;
};

void call(const py::object& callback, const Progress& progress, Exchange& exchange) {
  const py::gil_scoped_acquire gil;
  if (exchange.callback_raised) {
    return;
  }
  try {
    callback(progress);
  } catch (...) {
    exchange.callback_raised = std::current_exception();
    exchange.stop.request_stop();
  }
}

void work_on_thread(const CallOptions& options, const std::function<void(const RunSettings&)>& work,
                    RunSettings settings, Exchange& exchange) {
  try {
    settings.communicator = communicator_at(options.communicator, options.communicator_bytes);
    work(settings);
  } catch (...) {
    exchange.work_failure = std::current_exception();
  }
  // Freeing it is collective, too: before the call is said to have ended.
  settings.communicator.reset();
  const std::lock_guard lock(exchange.mutex);
  exchange.done = true;
  exchange.ended.notify_one();
}

/// Waits for the worker; returns what a signal handler raised.
std::exception_ptr wait_for_end(Exchange& exchange) {
  const auto done = [&] { return exchange.done; };
  std::unique_lock lock(exchange.mutex);
  while (!exchange.ended.wait_for(lock, between_signal_checks, done)) {
    // Not while the lock is held: the worker must not wait for it with the GIL.
    lock.unlock();
    std::exception_ptr raised;
    {
      const py::gil_scoped_acquire gil;
      if (PyErr_CheckSignals() != 0) {
        raised = std::make_exception_ptr(py::error_already_set());
      }
    }
    lock.lock();
    if (raised) {
      exchange.stop.request_stop();
      exchange.ended.wait(lock, done);
      return raised;
    }
  }
  return nullptr;
}

}  // namespace

void run(const CallOptions& options, const std::function<void(const RunSettings&)>& work) {
  Exchange exchange;
  RunSettings settings;
  settings.threads = options.threads;
  settings.stop = exchange.stop.get_token();
  if (!options.progress.is_none()) {
    settings.progress = [&](const Progress& progress) { call(options.progress, progress, exchange); };
  }
  std::exception_ptr signal_raised;
  {
    const py::gil_scoped_release no_gil;
    std::thread worker([&] { work_on_thread(options, work, settings, exchange); });
    signal_raised = wait_for_end(exchange);
    worker.join();
  }
  for (const std::exception_ptr& failure : {signal_raised, exchange.callback_raised, exchange.work_failure}) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace tessera::python
