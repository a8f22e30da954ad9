#include "launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

#include "core/error.hpp"
#include "pipelines.hpp"

namespace tessera::cli {
namespace {

// How long ranks may take to stop in order before they are told to end, and then killed.
constexpr int patience_s = 5;

/// Open MPI copies between ranks of a host straight from the other's memory where the system lets it, and
/// complains at length where it does not: under Yama's ptrace_scope, and in containers that forbid the call.
bool may_read_other_processes() {
  int scope = 0;
  if (std::ifstream file("/proc/sys/kernel/yama/ptrace_scope"); file >> scope && scope != 0) {
    return false;
  }
  char from = 1;
  char to = 0;
  const iovec local{&to, 1};
  const iovec remote{&from, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

std::vector<std::string> mpirun_command(const Launch& options, const Arguments& arguments) {
  // Not /proc/self/exe: in mpirun's child that would be mpirun.
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<std::string> command{"mpirun", "-n", std::to_string(options.ranks),
                                   // The engine has threads of its own; bound to a core they would share it.
                                   "--bind-to", "none", "--oversubscribe", "-x", launched_variable};
  if (options.needs_stdin) {
    command.insert(command.end(), {"-x", stdin_variable});
  }
  if (!options.hostfile.empty()) {
    command.insert(command.end(), {"--hostfile", options.hostfile});
  }
  command.push_back(self);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

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

std::vector<std::string> mpirun_environment(const std::string& stdin_path) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  const auto set = [&](const char* name, const char* value) {
    if (std::getenv(name) == nullptr) {
      environment.push_back(fmt::format("{}={}", name, value));
    }
  };
  set(launched_variable, "1");
  if (!stdin_path.empty()) {
    set(stdin_variable, stdin_path.c_str());
  }
  // Ranks wait for each other while the threads of others work on the same cores.
  set("OMPI_MCA_mpi_yield_when_idle", "1");
  if (!may_read_other_processes()) {
    set("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
  }
  if (geteuid() == 0) {
    set("OMPI_ALLOW_RUN_AS_ROOT", "1");
    set("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) {
    result.push_back(string.data());
  }
  result.push_back(nullptr);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }
  void reset(int value = -1) {
    if (value_ >= 0) {
      ::close(value_);
    }
    value_ = value;
  }

 private:
  int value_;
};

[[noreturn]] void fail(const char* what, int reason) {
  throw Error(ErrorCode::io, fmt::format("Cannot {}: {}.", what, std::strerror(reason)));
}

struct Pipe {
  Descriptor read;
  Descriptor write;
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

/// In the child: only calls that are safe after fork in a process with threads.
[[noreturn]] void become_mpirun(char* const* command, char* const* environment, int stderr_end,
                                int failure_end) {
  // A group of its own: Ctrl-C reaches this program alone, which then stops the ranks in order.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const sigset_t watched = watched_signals();
  pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
  dup2(stderr_end, STDERR_FILENO);
  dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  execvpe(command[0], command, environment);
  const int reason = errno;
  static_cast<void>(::write(failure_end, &reason, sizeof reason));
  _exit(127);
}

pid_t start_mpirun(const Launch& options, const Arguments& arguments, const std::string& stdin_path,
                   Pipe& messages) {
  std::vector<std::string> command = mpirun_command(options, arguments);
  std::vector<std::string> environment = mpirun_environment(stdin_path);
  const std::vector<char*> command_pointers = pointers(command);
  const std::vector<char*> environment_pointers = pointers(environment);
  Pipe failure;
  const pid_t child = fork();
  if (child < 0) {
    fail("start mpirun", errno);
  }
  if (child == 0) {
    become_mpirun(command_pointers.data(), environment_pointers.data(), messages.write.get(),
                  failure.write.get());
  }
  messages.write.reset();
  failure.write.reset();
  int reason = 0;
  if (::read(failure.read.get(), &reason, sizeof reason) == sizeof reason) {
    waitpid(child, nullptr, 0);
    if (reason == ENOENT) {
      throw Error(
          ErrorCode::not_found,
          "Several ranks need 'mpirun', which is not installed. Install Open MPI (openmpi-bin), or leave out "
          "--ranks: threads use all cores as well.");
    }
    fail("start mpirun", reason);
  }
  return child;
}

/// Follows a started job to its end.
class Watch {
 public:
  Watch(pid_t child, Pipe& messages, EventReader& events, bool verbose)
      : child_(child), messages_(messages), events_(events), verbose_(verbose) {
    const sigset_t watched = watched_signals();
    signals_.reset(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    fcntl(messages.read.get(), F_SETFL, O_NONBLOCK);
  }

  /// Returns mpirun's status as waitpid gives it.
  int until_end() {
    int status = 0;
    while (waitpid(child_, &status, WNOHANG) == 0) {
      std::array<pollfd, 3> waits{pollfd{signals_.get(), POLLIN, 0}, pollfd{timer_.get(), POLLIN, 0},
                                  pollfd{ended_ ? -1 : messages_.read.get(), POLLIN, 0}};
      if (poll(waits.data(), waits.size(), -1) < 0) {
        continue;
      }
      if (waits[0].revents != 0) {
        take_signals();
      }
      if (waits[1].revents != 0) {
        press();
      }
      if (waits[2].revents != 0) {
        read_messages();
      }
    }
    read_messages();
    events_.end();
    wait_for_ranks();
    return status;
  }
  [[nodiscard]] bool interrupted() const { return pressure_ > 0; }

 private:
  void take_signals() {
    signalfd_siginfo received{};
    while (::read(signals_.get(), &received, sizeof received) == sizeof received) {
      if (received.ssi_signo != SIGCHLD) {
        press();
      }
    }
  }

  /// Asks to stop, then tells to end, then kills: by the user's next signal or when patience is over.
  void press() {
    ++pressure_;
    if (pressure_ == 1) {
      kill(child_, SIGUSR1);  // which mpirun passes on to every rank
    } else if (pressure_ == 2) {
      kill(child_, SIGTERM);  // mpirun kills the ranks and ends
    } else {
      kill(-child_, SIGKILL);
    }
    itimerspec time{};
    time.it_value.tv_sec = patience_s;
    timerfd_settime(timer_.get(), 0, &time, nullptr);
  }

  /// mpirun may end before the ranks that it told to end: as their subreaper this program gets them as
  /// children, and none of them outlives it.
  void wait_for_ranks() {
    using std::chrono::steady_clock;
    auto deadline = steady_clock::now() + std::chrono::seconds(patience_s);
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
        deadline = steady_clock::now() + std::chrono::seconds(patience_s);
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
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
      const std::size_t before = events_.noise().size();
      events_.feed(bytes);
      if (verbose_) {
        fmt::print(stderr, "{}", std::string_view(events_.noise()).substr(before));
      }
    }
  }

  pid_t child_;
  Pipe& messages_;
  EventReader& events_;
  bool verbose_;
  bool ended_ = false;
  int pressure_ = 0;
  Descriptor signals_;
  Descriptor timer_;
};

}  // namespace

std::string explain_lost_ranks(const std::string& noise, int mpirun_status) {
  std::smatch found;
  if (std::regex_search(
          noise, found,
          std::regex("process rank ([0-9]+) with PID [0-9]+ on\\s+node (\\S+) exited on\\s+signal "
                     "([0-9]+)( \\([^)]*\\))?"))) {
    return fmt::format(
        "Rank {} on {} died of signal {}{}. The other ranks were stopped and no result "
        "was written; try again.",
        found[1].str(), found[2].str(), found[3].str(), found[4].str());
  }
  if (std::regex_search(noise, found, std::regex("Process name: \\[\\[[0-9]+,[0-9]+\\],([0-9]+)\\]"))) {
    return fmt::format(
        "Rank {} ended early. The other ranks were stopped and no result was written; use --verbose to "
        "see what it said.",
        found[1].str());
  }
  std::string said;
  std::size_t begin = 0;
  while (begin < noise.size() && said.size() < 300) {
    const std::size_t end = std::min(noise.find('\n', begin), noise.size());
    const std::string line = noise.substr(begin, end - begin);
    if (!line.empty() && line.find_first_not_of("-= ") != std::string::npos) {
      said += (said.empty() ? "" : " ") + line;
    }
    begin = end + 1;
  }
  const std::string how = WIFSIGNALED(mpirun_status)
                              ? fmt::format("was ended by signal {}", WTERMSIG(mpirun_status))
                              : fmt::format("ended with {}", WEXITSTATUS(mpirun_status));
  return fmt::format("The ranks went away before they were done: mpirun {}{}.", how,
                     said.empty() ? "" : " and said: " + said);
}

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
  Watch watch(child, messages, events, options.verbose);
  const int status = watch.until_end();
  console.finished(events.exit_code());
  if (events.exit_code() >= 0) {
    return events.exit_code();
  }
  if (watch.interrupted()) {
    throw Error(ErrorCode::cancelled, "Stopped before it was done; no result was written.");
  }
  throw Error(ErrorCode::rank_lost, explain_lost_ranks(events.noise(), status));
}

}  // namespace tessera::cli
