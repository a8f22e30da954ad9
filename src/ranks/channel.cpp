// SPDX-License-Identifier: Apache-2.0
#include "ranks/channel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "ranks/messages.hpp"

namespace tessera {
namespace {

[[noreturn]] void fail(const std::string& address, const std::string& reason) {
  throw Error(ErrorCode::unavailable, fmt::format("Cannot connect to '{}': {}.", address, reason));
}

FileDescriptor connect_to_path(const std::string& address, const std::string& path) {
  sockaddr_un target{};
  target.sun_family = AF_UNIX;
  if (path.size() >= sizeof target.sun_path) {
    fail(address, "the path is too long");
  }
  std::memcpy(target.sun_path, path.c_str(), path.size());
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
    fail(address, std::strerror(errno));
  }
  return socket;
}

FileDescriptor connect_to_host(const std::string& address, const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); problem != 0) {
    fail(address, ::gai_strerror(problem));
  }
  FileDescriptor connected;
  int reason = 0;
  for (const addrinfo* entry = found; entry != nullptr && !connected; entry = entry->ai_next) {
    FileDescriptor socket(::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, entry->ai_protocol));
    if (socket && ::connect(socket.get(), entry->ai_addr, entry->ai_addrlen) == 0) {
      connected = std::move(socket);
    } else {
      reason = errno;
    }
  }
  ::freeaddrinfo(found);
  if (!connected) {
    fail(address, std::strerror(reason));
  }
  return connected;
}

/// Buffer for the file descriptors of one message, aligned as the system requires.
union ControlData {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

}  // namespace

void RankChannel::limit_sending(std::chrono::milliseconds time) {
  const timeval limit{static_cast<time_t>(time.count() / 1000),
                      static_cast<suseconds_t>(time.count() % 1000 * 1000)};
  static_cast<void>(::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
}

bool RankChannel::send(const std::string& line, int attached) {
  const std::lock_guard lock(sending_);
  for (std::size_t done = 0; done < line.size() && !broken_;) {
    iovec part{const_cast<char*>(line.data()) + done, line.size() - done};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ControlData control{};
    if (attached >= 0 && done == 0) {
      message.msg_control = control.bytes.data();
      message.msg_controllen = control.bytes.size();
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof attached);
      std::memcpy(CMSG_DATA(header), &attached, sizeof attached);
    }
    const ssize_t count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      broken_ = true;
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return !broken_;
}

std::optional<std::string> RankChannel::receive() {
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    if (received_.size() > max_message_bytes) {
      throw Error(ErrorCode::rank_lost,
                  fmt::format("A message between node and rank is malformed: it is longer than {} bytes.",
                              max_message_bytes));
    }
    searched = received_.size();
    std::array<char, 64 * 1024> buffer;
    iovec part{buffer.data(), buffer.size()};
    ControlData control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (files_ == Files::accepted) {  // otherwise the kernel closes received files
      message.msg_control = control.bytes.data();
      message.msg_controllen = control.bytes.size();
    }
    const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return std::nullopt;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int file = -1;
        std::memcpy(&file, CMSG_DATA(header), sizeof file);
        attached_.emplace_back(file);
      }
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

FileDescriptor RankChannel::next_attached() {
  if (attached_.empty()) {
    return {};
  }
  FileDescriptor first = std::move(attached_.front());
  attached_.pop_front();
  return first;
}

void RankChannel::shut_down() { ::shutdown(socket_.get(), SHUT_RDWR); }

FileDescriptor connect_to(const std::string& address) {
  if (address.starts_with("unix:")) {
    return connect_to_path(address, address.substr(5));
  }
  const std::size_t colon = address.rfind(':');
  if (!address.starts_with("tcp:") || colon <= 4) {
    fail(address, "it is neither unix:PATH nor tcp:HOST:PORT");
  }
  return connect_to_host(address, address.substr(4, colon - 4), address.substr(colon + 1));
}

}  // namespace tessera
