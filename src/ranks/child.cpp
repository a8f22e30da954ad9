#include "ranks/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/error.hpp"
#include "ranks/mpirun.hpp"

namespace tessera {
namespace {

[[noreturn]] void fail(int reason) {
  throw Error(ErrorCode::io, fmt::format("Cannot start a process: {}.", std::strerror(reason)));
}

/// In the child: only calls that are safe after fork in a process with threads.
[[noreturn]] void become(char* const* command, char* const* environment, const ChildOutput& output,
                         int failure_end) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  if (output.out >= 0) {
    ::dup2(output.out, STDOUT_FILENO);
  }
  if (output.err >= 0) {
    ::dup2(output.err, STDERR_FILENO);
  }
  // Above all a server's listening socket: ranks outlive a node that is killed, and would hold its port.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execvpe(command[0], command, environment);
  const int reason = errno;
  static_cast<void>(::write(failure_end, &reason, sizeof reason));
  ::_exit(127);
}

}  // namespace

StartedChild start_child(std::vector<std::string> command, std::vector<std::string> environment,
                         const ChildOutput& output) {
  const std::vector<char*> arguments = exec_vector(command);
  const std::vector<char*> variables = exec_vector(environment);
  std::array<int, 2> failure{};  // closed by exec, or brings its errno
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) {
    fail(errno);
  }
  StartedChild child;
  child.pid = ::fork();
  if (child.pid == 0) {
    become(arguments.data(), variables.data(), output, failure[1]);
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
