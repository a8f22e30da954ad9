// SPDX-License-Identifier: Apache-2.0
#include "ranks/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "ranks/mpirun.hpp"

namespace tessera {
namespace {

constexpr rlim_t max_descriptors = 65536;

[[noreturn]] void fail(int reason) {
  throw Error(ErrorCode::io, fmt::format("Cannot start a process: {}.", std::strerror(reason)));
}

/// In the child: only calls that are safe after fork in a process with threads.
[[noreturn]] void give_up(int failure_end, int reason) {
  static_cast<void>(::write(failure_end, &reason, sizeof reason));
  ::_exit(127);
}

/// Ignored signals, such as SIGPIPE, would stay ignored in the new program.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    ::signal(signal, SIG_DFL);  // fails for SIGKILL and SIGSTOP, which cannot be ignored
  }
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

/// Mainly for a server's listening socket: ranks outlive a killed node and would hold its port.
void close_others_at_exec() {
  if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    return;
  }
  rlimit limit{};  // a kernel before 5.11
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (int descriptor = STDERR_FILENO + 1;
       descriptor < static_cast<int>(std::min(limit.rlim_cur, max_descriptors)); ++descriptor) {
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
}

[[noreturn]] void become(char* const* command, char* const* environment, const ChildOutput& output,
                         int failure_end, pid_t parent) {
  ::setpgid(0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
    give_up(failure_end, errno);
  }
  if (::getppid() != parent) {
    ::_exit(127);  // the parent died before PR_SET_PDEATHSIG took effect
  }
  reset_signals();
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 ||
      (output.out >= 0 && ::dup2(output.out, STDOUT_FILENO) < 0) ||
      (output.err >= 0 && ::dup2(output.err, STDERR_FILENO) < 0)) {
    give_up(failure_end, errno);
  }
  close_others_at_exec();
  ::execvpe(command[0], command, environment);
  give_up(failure_end, errno);
}

}  // namespace

StartedChild start_child(std::vector<std::string> command, std::vector<std::string> environment,
                         const ChildOutput& output) {
  const std::vector<char*> arguments = exec_vector(command);
  const std::vector<char*> variables = exec_vector(environment);
  std::array<int, 2> failure{};  // closed by exec, or receives its errno
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) {
    fail(errno);
  }
  StartedChild child;
  const pid_t parent = ::getpid();
  child.pid = ::fork();
  if (child.pid == 0) {
    become(arguments.data(), variables.data(), output, failure[1], parent);
  }
  const int reason = errno;
  ::close(failure[1]);
  if (child.pid < 0) {
    ::close(failure[0]);
    fail(reason);
  }
  ::setpgid(child.pid, child.pid);
  ssize_t count = 0;
  do {
    count = ::read(failure[0], &child.failure, sizeof child.failure);
  } while (count < 0 && errno == EINTR);
  ::close(failure[0]);
  return child;
}

}  // namespace tessera
