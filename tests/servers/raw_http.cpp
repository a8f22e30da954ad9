// SPDX-License-Identifier: Apache-2.0
#include "servers/raw_http.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tessera::testing {

RawConnection::RawConnection(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(socket_);
    throw std::runtime_error(fmt::format("No connection to port {}.", port));
  }
}

RawConnection::~RawConnection() { ::close(socket_); }

void RawConnection::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::shutdown(socket_, SHUT_RDWR);
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawConnection::receive(std::chrono::milliseconds timeout) {
  pollfd waiting{socket_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) {
    throw std::runtime_error("Nothing came; so far: " + received_.substr(0, 2000));
  }
  std::array<char, 65536> piece{};
  const ssize_t count = ::recv(socket_, piece.data(), piece.size(), 0);
  if (count <= 0) {
    return false;
  }
  received_.append(piece.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawConnection::read_to_end(std::chrono::milliseconds timeout) {
  try {
    while (receive(timeout)) {
    }
  } catch (const std::runtime_error&) {
  }
  return std::exchange(received_, {});
}

std::string RawConnection::read_until(std::string_view text, std::chrono::milliseconds timeout) {
  std::size_t at = received_.find(text);
  while (at == std::string::npos) {
    if (!receive(timeout)) {
      throw std::runtime_error("The connection ended after: " + received_.substr(0, 2000));
    }
    at = received_.find(text);
  }
  std::string result = received_.substr(0, at + text.size());
  received_.erase(0, at + text.size());
  return result;
}

std::string RawConnection::read_exactly(std::size_t count, std::chrono::milliseconds timeout) {
  while (received_.size() < count) {
    if (!receive(timeout)) {
      throw std::runtime_error("The connection ended after: " + received_.substr(0, 2000));
    }
  }
  std::string result = received_.substr(0, count);
  received_.erase(0, count);
  return result;
}

bool RawConnection::closed_by_peer(std::chrono::milliseconds timeout) {
  try {
    while (receive(timeout)) {
    }
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

Answer read_answer(RawConnection& connection, bool head) {
  Answer answer;
  std::string header;
  do {
    header = connection.read_until("\r\n\r\n");
    answer.status = std::stoi(header.substr(header.find(' ') + 1, 3));
  } while (answer.status == 100);
  for (std::size_t at = header.find("\r\n") + 2; at + 2 < header.size();) {
    const std::size_t end = header.find("\r\n", at);
    const std::size_t colon = header.find(": ", at);
    std::string name = header.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = header.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  if (head || answer.status == 204 || answer.status == 304 || answer.status == 101) {
    return answer;
  }
  if (answer.headers.contains("content-length")) {
    answer.body = connection.read_exactly(std::stoul(answer.headers["content-length"]));
  } else if (answer.headers["transfer-encoding"] == "chunked") {
    for (;;) {
      const std::size_t size = std::stoul(connection.read_until("\r\n"), nullptr, 16);
      answer.body += connection.read_exactly(size);
      connection.read_until("\r\n");
      if (size == 0) {
        break;
      }
    }
  } else {
    answer.body = connection.read_to_end();
  }
  return answer;
}

Answer ask(int port, std::string_view method, std::string_view target, const Fields& headers,
           std::string_view body) {
  RawConnection connection(port);
  std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", method, target, port);
  for (const auto& [name, value] : headers) {
    request += fmt::format("{}: {}\r\n", name, value);
  }
  if (!body.empty() || method == "POST" || method == "PUT") {
    request += fmt::format("Content-Length: {}\r\n", body.size());
  }
  request += "\r\n";
  connection.send(request);
  connection.send(body);
  return read_answer(connection, method == "HEAD");
}

}  // namespace tessera::testing
