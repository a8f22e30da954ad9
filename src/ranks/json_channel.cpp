#include "ranks/json_channel.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace tessera {
namespace {

/// A message is a pipeline or a list of findings; what is longer is none.
constexpr std::size_t max_message_bytes = std::size_t{256} << 20;

[[noreturn]] void fail(const std::string& address, const std::string& reason) {
  throw Error(ErrorCode::unavailable, fmt::format("Cannot connect to '{}': {}.", address, reason));
}

int connect_to_path(const std::string& address, const std::string& path) {
  sockaddr_un target{};
  target.sun_family = AF_UNIX;
  if (path.size() >= sizeof target.sun_path) {
    fail(address, "the path is too long");
  }
  std::memcpy(target.sun_path, path.c_str(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
    const int reason = errno;
    ::close(descriptor);
    fail(address, std::strerror(reason));
  }
  return descriptor;
}

int connect_to_host(const std::string& address, const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); problem != 0) {
    fail(address, ::gai_strerror(problem));
  }
  int descriptor = -1;
  int reason = 0;
  for (const addrinfo* entry = found; entry != nullptr && descriptor < 0; entry = entry->ai_next) {
    descriptor = ::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, entry->ai_protocol);
    if (::connect(descriptor, entry->ai_addr, entry->ai_addrlen) != 0) {
      reason = errno;
      ::close(descriptor);
      descriptor = -1;
    }
  }
  ::freeaddrinfo(found);
  if (descriptor < 0) {
    fail(address, std::strerror(reason));
  }
  return descriptor;
}

}  // namespace

JsonChannel::~JsonChannel() { ::close(descriptor_); }

bool JsonChannel::send(const Json& message) {
  const std::string line = message.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  const std::lock_guard lock(sending_);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::send(descriptor_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return false;
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return true;
}

std::optional<Json> JsonChannel::receive() {
  std::size_t searched = 0;
  while (true) {
    if (const std::size_t end = received_.find('\n', searched); end != std::string::npos) {
      Json message = Json::parse(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(end),
                                 nullptr, false);
      received_.erase(0, end + 1);
      if (!message.is_object()) {
        return std::nullopt;
      }
      return message;
    }
    searched = received_.size();
    std::array<char, 64 * 1024> buffer;
    const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0 || received_.size() > max_message_bytes) {
      return std::nullopt;
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void JsonChannel::shut_down() { ::shutdown(descriptor_, SHUT_RDWR); }

int connect_to(const std::string& address) {
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
