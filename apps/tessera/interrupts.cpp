#include "interrupts.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstdint>

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

Interrupts::Interrupts(bool insist) : insist_(insist) {
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  ended_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(ended_, &one, sizeof one));
  thread_.join();
  for (const int descriptor : {signals_, timer_, ended_}) {
    ::close(descriptor);
  }
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
  timerfd_settime(timer_, 0, &time, nullptr);
  if (interrupted_) {
    current_.request_stop();
  }
  return current_.get_token();
}

void Interrupts::stop_current() {
  const std::lock_guard lock(mutex_);
  current_.request_stop();
}

void Interrupts::watch() {
  std::array<pollfd, 3> waits{pollfd{signals_, POLLIN, 0}, pollfd{timer_, POLLIN, 0},
                              pollfd{ended_, POLLIN, 0}};
  while (true) {
    if (poll(waits.data(), waits.size(), -1) < 0) {
      continue;
    }
    if (waits[2].revents != 0) {
      return;
    }
    if (waits[0].revents != 0) {
      signalfd_siginfo received{};
      if (::read(signals_, &received, sizeof received) != sizeof received) {
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
      std::uint64_t expirations = 0;
      static_cast<void>(::read(timer_, &expirations, sizeof expirations));
      timed_out_ = true;
      stop_current();
    }
  }
}

}  // namespace tessera::cli
