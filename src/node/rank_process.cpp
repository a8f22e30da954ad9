// SPDX-License-Identifier: Apache-2.0
#include "node/rank_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
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
#include <memory>

#include "base/error.hpp"
#include "ranks/child.hpp"

namespace tessera {
namespace {

constexpr std::size_t kept_message_bytes = 64 * 1024;
constexpr int waiting_connections = 1024;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::io, fmt::format("Cannot {}: {}.", what, std::strerror(errno)));
}

}  // namespace

RankProcess::RankProcess(std::vector<std::string> command, std::vector<std::string> environment) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("make a pipe");
  }
  messages_.reset(ends[0]);
  const FileDescriptor write_end(ends[1]);
  if (::fcntl(messages_.get(), F_SETFL, O_NONBLOCK) != 0) {
    fail("make a pipe");
  }
  const std::string program = command.front();
  const StartedChild child = start_child(std::move(command), std::move(environment),
                                         {.out = write_end.get(), .err = write_end.get()});
  pid_ = child.pid;
  if (child.failure != 0) {
    output_ =
        fmt::format("{} {}", program, child.failure == ENOENT ? "is not installed" : "cannot be started");
  }
  end_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!end_) {
    const int reason = errno;
    kill();
    wait();
    errno = reason;
    fail("watch a process");
  }
}

RankProcess::~RankProcess() {
  if (pid_ > 0) {
    kill();
    wait();
  }
}

bool RankProcess::read_messages() {
  std::array<char, 16 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(messages_.get(), buffer.data(), buffer.size())) > 0) {
    output_.append(buffer.data(), static_cast<std::size_t>(count));
    if (output_.size() > kept_message_bytes) {
      output_.erase(0, output_.size() - kept_message_bytes);
    }
  }
  return count != 0;
}

void RankProcess::terminate() {
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
    bind_to_path();
  } else {
    bind_to_host();
  }
  if (::listen(socket_.get(), waiting_connections) != 0) {
    fail(fmt::format("listen at '{}'", address));
  }
}

void Listener::bind_to_path() {
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  if (path_.size() >= sizeof own.sun_path) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is too long for a socket ({} bytes; the limit is {}): "
                                              "choose a shorter --scratch.",
                                              path_, path_.size(), sizeof own.sun_path - 1));
  }
  std::memcpy(own.sun_path, path_.c_str(), path_.size());
  ::unlink(path_.c_str());
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_ || ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      ::chmod(path_.c_str(), 0600) != 0) {
    fail(fmt::format("listen at '{}'", address_));
  }
}

void Listener::bind_to_host() {
  const std::string host = address_.substr(4, address_.rfind(':') - 4);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(host.c_str(), "0", &hints, &found); problem != 0) {
    throw Error(ErrorCode::usage,
                fmt::format("Cannot listen at '{}': {}.", address_, ::gai_strerror(problem)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  socket_.reset(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (!socket_ || ::bind(socket_.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) {
    fail(fmt::format("listen at '{}'", address_));
  }
  const auto port = own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(own).sin_port;
  address_ = fmt::format("tcp:{}:{}", host, ntohs(port));
}

Listener::~Listener() {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

FileDescriptor Listener::accept() const {
  return FileDescriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

}  // namespace tessera
