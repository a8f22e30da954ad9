// SPDX-License-Identifier: Apache-2.0
#include "servers/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tessera::testing {

ScriptedServer::ScriptedServer(std::vector<std::string> scripts) : scripts_(std::move(scripts)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no socket to listen on");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { serve(); });
}
ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void ScriptedServer::serve() {
  for (const std::string& script : scripts_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) {
      return;
    }
    play(connection, script);
    ::close(connection);
  }
}
void ScriptedServer::play(int connection, std::string script) {
  std::string received;
  std::array<char, 4096> piece{};
  const auto read_some = [&] {
    const ssize_t count = ::recv(connection, piece.data(), piece.size(), 0);
    received.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(0, count)));
    return count > 0;
  };
  while (received.find("\r\n\r\n") == std::string::npos && read_some()) {
  }
  {
    const std::lock_guard lock(mutex_);
    header_ = received.substr(0, received.find("\r\n\r\n") + 2);
  }
  ++requests_;
  const bool hangs = script.ends_with("HANG");
  script.resize(script.size() - (hangs ? 4 : 0));
  ::send(connection, script.data(), script.size(), MSG_NOSIGNAL);
  if (!hangs) {
    ::shutdown(connection, SHUT_WR);
  }
  // Closing with bytes unread would reset the connection, and the client might lose what was sent.
  while (read_some()) {
  }
}

std::string answer(const std::string& status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + body;
}

}  // namespace tessera::testing
