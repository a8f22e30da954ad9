#include "node/rank_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/error.hpp"
#include "ranks/mpirun.hpp"

namespace tessera {
namespace {

constexpr std::size_t kept_message_bytes = 64 * 1024;
constexpr int waiting_connections = 1024;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::io, fmt::format("Cannot {}: {}.", what, std::strerror(errno)));
}

/// In the child: only calls that are safe after fork in a process with threads.
[[noreturn]] void become(char* const* command, char* const* environment, int messages) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(messages, STDOUT_FILENO);
  ::dup2(messages, STDERR_FILENO);
  // Above all a server's listening socket: ranks outlive a node that is killed, and would hold its port.
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execvpe(command[0], command, environment);
  const char* const reason = errno == ENOENT ? "not installed" : "cannot be started";
  static_cast<void>(::write(STDERR_FILENO, command[0], std::strlen(command[0])));
  static_cast<void>(::write(STDERR_FILENO, " is ", 4));
  static_cast<void>(::write(STDERR_FILENO, reason, std::strlen(reason)));
  ::_exit(127);
}

}  // namespace

RankProcess::RankProcess(std::vector<std::string> command, std::vector<std::string> environment) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("make a pipe");
  }
  const std::vector<char*> arguments = exec_vector(command);
  const std::vector<char*> variables = exec_vector(environment);
  pid_ = ::fork();
  if (pid_ == 0) {
    become(arguments.data(), variables.data(), ends[1]);
  }
  ::close(ends[1]);
  messages_ = ends[0];
  if (pid_ < 0) {
    ::close(messages_);
    fail("start the ranks");
  }
  ::setpgid(pid_, pid_);
  ::fcntl(messages_, F_SETFL, O_NONBLOCK);
  end_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

RankProcess::~RankProcess() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  ::close(end_);
  ::close(messages_);
}

bool RankProcess::read_messages() {
  std::array<char, 16 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(messages_, buffer.data(), buffer.size())) > 0) {
    said_.append(buffer.data(), static_cast<std::size_t>(count));
    if (said_.size() > kept_message_bytes) {
      said_.erase(0, said_.size() - kept_message_bytes);
    }
  }
  return count != 0;
}

void RankProcess::tell_to_end() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
  }
}

void RankProcess::kill() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
  }
}

int RankProcess::wait() {
  if (pid_ > 0) {
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  return status_;
}

Listener::Listener(const std::string& address) : address_(address) {
  if (address.starts_with("unix:")) {
    path_ = address.substr(5);
    sockaddr_un own{};
    own.sun_family = AF_UNIX;
    if (path_.size() >= sizeof own.sun_path) {
      throw Error(ErrorCode::usage, fmt::format("'{}' is too long for a socket ({} bytes; the limit is {}): "
                                                "choose a shorter --scratch.",
                                                path_, path_.size(), sizeof own.sun_path - 1));
    }
    std::memcpy(own.sun_path, path_.c_str(), path_.size());
    ::unlink(path_.c_str());
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
        ::chmod(path_.c_str(), 0600) != 0) {
      fail(fmt::format("listen at '{}'", address));
    }
  } else {
    const std::string host = address.substr(4, address.rfind(':') - 4);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int problem = ::getaddrinfo(host.c_str(), "0", &hints, &found); problem != 0) {
      throw Error(ErrorCode::usage,
                  fmt::format("Cannot listen at '{}': {}.", address, ::gai_strerror(problem)));
    }
    descriptor_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool bound = ::bind(descriptor_, found->ai_addr, found->ai_addrlen) == 0;
    ::freeaddrinfo(found);
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (!bound || ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size) != 0) {
      fail(fmt::format("listen at '{}'", address));
    }
    const auto port = own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                                : reinterpret_cast<sockaddr_in&>(own).sin_port;
    address_ = fmt::format("tcp:{}:{}", host, ntohs(port));
  }
  if (::listen(descriptor_, waiting_connections) != 0) {
    fail(fmt::format("listen at '{}'", address));
  }
}

Listener::~Listener() {
  ::close(descriptor_);
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

int Listener::accept() const { return ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC); }

}  // namespace tessera
