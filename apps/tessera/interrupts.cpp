// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"

namespace tessera::cli {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Interrupts::Interrupts(bool insist, std::function<void()> timed_out)
    : insist_(insist),
      on_timeout_(std::move(timed_out)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      ended_(eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = handled_signals();
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_ || !timer_ || !ended_) {
    throw Error(ErrorCode::io, fmt::format("Cannot watch for signals: {}.", std::strerror(errno)));
  }
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(ended_.get(), &one, sizeof one));
  thread_.join();
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::stop_token Interrupts::begin(double timeout_s) {
  const std::lock_guard lock(mutex_);
  current_ = std::stop_source();
  timed_out_ = false;
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(timeout_s);
  time.it_value.tv_nsec = static_cast<long>((timeout_s - std::floor(timeout_s)) * 1e9);
  if (timerfd_settime(timer_.get(), 0, &time, nullptr) != 0) {
    throw Error(ErrorCode::io, fmt::format("Cannot set a time limit: {}.", std::strerror(errno)));
  }
  if (interrupted_) {
    current_.request_stop();
  }
  return current_.get_token();
}

void Interrupts::stop_current() {
  const std::lock_guard lock(mutex_);
  current_.request_stop();
}

void Interrupts::take_timeout() {
  {
    // With begin() shut out, what is read belongs to the current work: setting the timer takes an older
    // expiry back.
    const std::lock_guard lock(mutex_);
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof expirations) != sizeof expirations) {
      return;
    }
    timed_out_ = true;
    current_.request_stop();
  }
  if (on_timeout_) {
    on_timeout_();
  }
}

void Interrupts::watch() {
  std::array<pollfd, 3> waits{pollfd{signals_.get(), POLLIN, 0}, pollfd{timer_.get(), POLLIN, 0},
                              pollfd{ended_.get(), POLLIN, 0}};
  while (true) {
    if (poll(waits.data(), waits.size(), -1) < 0) {
      continue;
    }
    if (waits[2].revents != 0) {
      return;
    }
    if (waits[0].revents != 0) {
      signalfd_siginfo received{};
      if (::read(signals_.get(), &received, sizeof received) != sizeof received) {
        continue;
      }
      if (interrupted_ && insist_) {
        const int signal = static_cast<int>(received.ssi_signo);
        std::signal(signal, SIG_DFL);
        const sigset_t set = handled_signals();
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        raise(signal);
      }
      interrupted_ = true;
      stop_current();
    }
    if (waits[1].revents != 0) {
      take_timeout();
    }
  }
}

}  // namespace tessera::cli
