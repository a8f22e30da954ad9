// SPDX-License-Identifier: Apache-2.0
#include "log/guarded_thread.hpp"

#include <chrono>
#include <exception>

#include "net/backoff.hpp"

namespace tessera {
namespace {

constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds max_pause{5'000};

}  // namespace

void run_guarded(std::string_view name, spdlog::logger* log, const std::stop_token& stop,
                 const std::function<void()>& loop) {
  Backoff backoff(first_pause, max_pause);
  const auto report = [&](const char* what) {
    if (log != nullptr) {
      log->error("{} failed and restarts: {}", name, what);
    }
  };
  while (!stop.stop_requested()) {
    try {
      loop();
      return;
    } catch (const std::exception& error) {
      report(error.what());
    } catch (...) {
      report("unknown exception");
    }
    pause(backoff.next(), stop);
  }
}

}  // namespace tessera
