// SPDX-License-Identifier: Apache-2.0
#include "launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "codec/io/objects.hpp"
#include "process/image_input.hpp"
#include "ranks/child.hpp"
#include "ranks/mpirun.hpp"

namespace tessera::cli {
namespace {

// How long ranks may take to stop in order before they are told to end, and then killed.
constexpr int time_to_stop_s = 5;
// After an image's time is over: as above, and for ranks that are in the middle of a long step.
constexpr double time_beyond_timeout_s = 10;
// MPI on many hosts takes some time to start.
constexpr double time_to_start_s = 60;
// Ranks say every few seconds that they run.
constexpr std::chrono::seconds max_silence{30};
constexpr int silence_check_s = 2;

/// What comes on standard input, held in memory under a name that the root rank, on this host, can open.
class StdinSpool {
 public:
  explicit StdinSpool(std::int64_t max_bytes) : descriptor_(memfd_create("tessera-stdin", MFD_CLOEXEC)) {
    if (descriptor_ < 0) {
      throw Error(ErrorCode::io, fmt::format("Cannot hold standard input: {}.", std::strerror(errno)));
    }
    const Bytes content = read_all("-", max_bytes);
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t count = ::write(descriptor_, content.data() + done, content.size() - done);
      if (count < 0 && errno != EINTR) {
        throw Error(ErrorCode::io, fmt::format("Cannot hold standard input: {}.", std::strerror(errno)));
      }
      done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
    }
  }
  ~StdinSpool() { ::close(descriptor_); }
  StdinSpool(const StdinSpool&) = delete;
  StdinSpool& operator=(const StdinSpool&) = delete;
  [[nodiscard]] std::string path() const { return fmt::format("/proc/{}/fd/{}", getpid(), descriptor_); }

 private:
  int descriptor_;
};

[[noreturn]] void fail(const char* what, int reason) {
  throw Error(ErrorCode::io, fmt::format("Cannot {}: {}.", what, std::strerror(reason)));
}

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      fail("make a pipe", errno);
    }
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    sigaddset(&set, signal);
  }
  return set;
}

pid_t start_mpirun(const Launch& options, const Arguments& arguments, const std::string& stdin_path,
                   Pipe& messages) {
  MpirunOptions mpirun{options.ranks, options.hostfile, {launched_variable}};
  std::vector<std::pair<std::string, std::string>> additions{{launched_variable, "1"}};
  if (!stdin_path.empty()) {
    mpirun.variables.emplace_back(stdin_variable);
    additions.emplace_back(stdin_variable, stdin_path);
  }
  for (const char* const variable : object_variables) {
    if (std::getenv(variable) != nullptr) {
      mpirun.variables.emplace_back(variable);
    }
  }
  // Not /proc/self/exe: in mpirun's child that would be mpirun.
  std::vector<std::string> program{std::filesystem::read_symlink("/proc/self/exe").string()};
  program.insert(program.end(), arguments.begin(), arguments.end());
  // Ctrl-C reaches this program alone, which then stops the ranks in order.
  const StartedChild child =
      start_child(mpirun_command(mpirun, program), mpirun_environment(own_environment(), additions),
                  {.err = messages.write.get()});
  messages.write.reset();
  if (child.failure != 0) {
    waitpid(child.pid, nullptr, 0);
    if (child.failure == ENOENT) {
      throw Error(
          ErrorCode::not_found,
          "Several ranks need 'mpirun', which is not installed. Install Open MPI (openmpi-bin), or leave out "
          "--ranks: threads use all cores as well.");
    }
    fail("start mpirun", child.failure);
  }
  return child.pid;
}

/// Follows a started job to its end.
class Watch {
 public:
  Watch(pid_t child, const Launch& options, Pipe& messages, EventReader& events)
      : child_(child), options_(options), messages_(messages), events_(events) {
    const sigset_t watched = watched_signals();
    signals_.reset(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    overdue_timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    silence_timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!signals_ || !timer_ || !overdue_timer_ || !silence_timer_ ||
        fcntl(messages.read.get(), F_SETFL, O_NONBLOCK) != 0) {
      const int reason = errno;
      kill(-child_, SIGKILL);
      waitpid(child_, nullptr, 0);
      fail("watch the ranks", reason);
    }
    if (options_.timeout_s > 0) {
      set(overdue_timer_, options_.timeout_s + time_to_start_s);
    }
    set(silence_timer_, silence_check_s);
  }

  /// Returns mpirun's status as waitpid gives it.
  int until_end() {
    int status = 0;
    while (waitpid(child_, &status, WNOHANG) == 0) {
      std::array<pollfd, 5> waits{pollfd{signals_.get(), POLLIN, 0}, pollfd{timer_.get(), POLLIN, 0},
                                  pollfd{ended_ ? -1 : messages_.read.get(), POLLIN, 0},
                                  pollfd{overdue_timer_.get(), POLLIN, 0},
                                  pollfd{silence_timer_.get(), POLLIN, 0}};
      if (poll(waits.data(), waits.size(), -1) < 0) {
        continue;
      }
      if (waits[0].revents != 0) {
        take_signals();
      }
      if (waits[1].revents != 0 && expired(timer_)) {
        press();
      }
      if (waits[2].revents != 0) {
        read_messages();
      }
      if (waits[3].revents != 0 && expired(overdue_timer_)) {
        end_overdue();
      }
      if (waits[4].revents != 0 && expired(silence_timer_)) {
        check_silence();
      }
    }
    read_messages();
    events_.end();
    wait_for_ranks();
    return status;
  }
  [[nodiscard]] bool interrupted() const { return pressure_ > 0 && !ended_ranks_; }
  /// Why ranks were killed that did not stop when their time was over, or one of which had stopped running.
  [[nodiscard]] const std::optional<Error>& ended_ranks() const { return ended_ranks_; }

 private:
  static void set(const FileDescriptor& timer, double seconds) {
    itimerspec time{};
    time.it_value.tv_sec = static_cast<time_t>(std::ceil(seconds));
    timerfd_settime(timer.get(), 0, &time, nullptr);
  }
  /// False if it was set again meanwhile.
  static bool expired(const FileDescriptor& timer) {
    std::uint64_t expirations = 0;
    return ::read(timer.get(), &expirations, sizeof expirations) == sizeof expirations;
  }

  void end_overdue() {
    const auto silent = events_.silent_ranks();
    const std::string image = events_.image().empty() ? "The ranks did not begin" : events_.image();
    std::string who = "the ranks answered but did not stop";
    if (!silent.empty()) {
      who = fmt::format("{} did not answer", fmt::join(silent, ", "));
    }
    kill_ranks(ErrorCode::limit_exceeded,
               fmt::format("{}: not done after {} s (--timeout), and {}.", image, options_.timeout_s, who));
  }

  /// A stopped process, or one on a host that is gone, keeps all others waiting for ever.
  void check_silence() {
    const auto now = std::chrono::steady_clock::now();
    // If this program was stopped itself, so may have been the ranks.
    if (now - silence_checked_ > std::chrono::seconds(3 * silence_check_s)) {
      events_.restart_silence();
      begun_ += now - silence_checked_;
    }
    silence_checked_ = now;
    set(silence_timer_, silence_check_s);
    // mpirun 4.1 hangs now and then when a rank dies while it is being started.
    if (!events_.has_started() && pressure_ == 0 &&
        now - begun_ > std::chrono::duration<double>(options_.start_timeout_s)) {
      kill_ranks(
          ErrorCode::rank_lost,
          fmt::format("mpirun has started no rank within {} s (--start-timeout).", options_.start_timeout_s));
      return;
    }
    const auto stopped = events_.stopped_ranks(max_silence);
    if (!stopped.empty() && pressure_ == 0) {
      kill_ranks(ErrorCode::rank_lost,
                 fmt::format("{} did not run for {} s.", fmt::join(stopped, ", "), max_silence.count()));
    }
  }

  void kill_ranks(ErrorCode code, const std::string& why) {
    ended_ranks_.emplace(code,
                         why +
                             " All ranks were killed; no result of that image was written. See whether the "
                             "process or its host was stopped, and try again.");
    pressure_ = std::max(pressure_, 1);
    press();
  }

  void take_signals() {
    signalfd_siginfo received{};
    while (::read(signals_.get(), &received, sizeof received) == sizeof received) {
      if (received.ssi_signo != SIGCHLD) {
        press();
      }
    }
  }

  /// Asks to stop, then tells to end, then kills: by the user's next signal or when their time is over.
  void press() {
    ++pressure_;
    if (pressure_ == 1) {
      kill(child_, SIGUSR1);  // which mpirun passes on to every rank
    } else if (pressure_ == 2) {
      kill(child_, SIGTERM);  // mpirun kills the ranks and ends
    } else {
      kill(-child_, SIGKILL);
    }
    set(timer_, time_to_stop_s);
  }

  /// mpirun may end before the ranks that it told to end: as their subreaper this program gets them as
  /// children, and none of them outlives it.
  void wait_for_ranks() {
    using std::chrono::steady_clock;
    auto deadline = steady_clock::now() + std::chrono::seconds(time_to_stop_s);
    for (bool killed = false;;) {
      pid_t ended = 0;
      while ((ended = waitpid(-1, nullptr, WNOHANG)) > 0) {
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
      if (ended < 0 || (left.count() <= 0 && killed)) {
        return;
      }
      if (left.count() <= 0) {
        for (const pid_t process : children()) {
          kill(process, SIGKILL);
        }
        killed = true;
        deadline = steady_clock::now() + std::chrono::seconds(time_to_stop_s);
        continue;
      }
      pollfd wait{signals_.get(), POLLIN, 0};
      poll(&wait, 1, static_cast<int>(left.count()));
      signalfd_siginfo received{};
      while (::read(signals_.get(), &received, sizeof received) == sizeof received) {
      }
    }
  }

  static std::vector<pid_t> children() {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", getpid()));
    return {std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>()};
  }

  void read_messages() {
    std::array<char, 16 * 1024> buffer;
    while (true) {
      const ssize_t count = ::read(messages_.read.get(), buffer.data(), buffer.size());
      if (count <= 0) {
        ended_ = count == 0;
        return;
      }
      if (ended_ranks_) {
        continue;  // mpirun wakes stopped ranks to end them, and they would say that they were stopped
      }
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
      const std::size_t before = events_.noise().size();
      const int begun = events_.images_begun();
      events_.feed(bytes);
      if (options_.verbose) {
        fmt::print(stderr, "{}", std::string_view(events_.noise()).substr(before));
      }
      if (options_.timeout_s > 0 && events_.images_begun() != begun) {
        set(overdue_timer_, options_.timeout_s + time_beyond_timeout_s);
      }
    }
  }

  pid_t child_;
  const Launch& options_;
  Pipe& messages_;
  EventReader& events_;
  bool ended_ = false;
  int pressure_ = 0;
  std::optional<Error> ended_ranks_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point silence_checked_ = begun_;
  FileDescriptor signals_;
  FileDescriptor timer_;
  FileDescriptor overdue_timer_;
  FileDescriptor silence_timer_;
};

}  // namespace

int launch(const Launch& options, const Arguments& arguments, Console& console) {
  std::optional<StdinSpool> spool;
  if (options.needs_stdin) {
    spool.emplace(options.max_stdin_bytes);
  }
  const sigset_t watched = watched_signals();
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Pipe messages;
  EventReader events(console);
  const pid_t child = start_mpirun(options, arguments, spool ? spool->path() : std::string(), messages);
  Watch watch(child, options, messages, events);
  const int status = watch.until_end();
  console.finished(events.exit_code());
  if (events.exit_code() >= 0) {
    return events.exit_code();
  }
  if (watch.ended_ranks()) {
    throw Error(*watch.ended_ranks());
  }
  if (watch.interrupted()) {
    throw Error(ErrorCode::cancelled, "Stopped before it was done; no result was written.");
  }
  throw Error(ErrorCode::rank_lost, explain_lost_ranks(events.noise(), status));
}

}  // namespace tessera::cli
