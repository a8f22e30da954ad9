#include "log/guarded_thread.hpp"

#include <chrono>
#include <exception>

#include "net/backoff.hpp"

namespace tessera {
namespace {

constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds longest_pause{5'000};

}  // namespace

void run_guarded(std::string_view name, spdlog::logger* log, const std::stop_token& stop,
                 const std::function<void()>& loop) {
  Backoff backoff(first_pause, longest_pause);
  const auto tell = [&](const char* what) {
    if (log != nullptr) {
      log->error("{} broke off and begins again: {}", name, what);
    }
  };
  while (!stop.stop_requested()) {
    try {
      loop();
      return;
    } catch (const std::exception& error) {
      tell(error.what());
    } catch (...) {
      tell("something that is no exception of the standard library was thrown");
    }
    pause(backoff.next(), stop);
  }
}

}  // namespace tessera
