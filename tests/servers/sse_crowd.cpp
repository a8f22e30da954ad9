// SPDX-License-Identifier: Apache-2.0
#include "servers/sse_crowd.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace tessera::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int between_attempts_ms = 20;

/// What stands after `name` on its line of an event.
std::string field(const std::string& event, const std::string& name) {
  const std::size_t at = ("\n" + event).find("\n" + name);
  if (at == std::string::npos) {
    return {};
  }
  const std::size_t begin = at + name.size();
  return event.substr(begin, event.find('\n', begin) - begin);
}

}  // namespace

SseCrowd::SseCrowd(int port, const std::vector<std::string>& targets)
    : port_(port), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  for (const std::string& target : targets) {
    clients_.push_back({.target = target});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

SseCrowd::~SseCrowd() {
  thread_.request_stop();
  thread_.join();
  for (Client& client : clients_) {
    if (client.socket >= 0) {
      close(client.socket);
    }
  }
  close(epoll_);
}

bool SseCrowd::all(const std::function<bool(const std::vector<Heard>&)>& that, std::chrono::seconds timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] {
    return std::ranges::all_of(clients_, [&](const Client& client) { return that(client.heard); });
  });
}

int SseCrowd::connected() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(std::ranges::count_if(clients_, &Client::streaming));
}

std::vector<SseCrowd::Heard> SseCrowd::heard(std::size_t client) const {
  const std::scoped_lock lock(mutex_);
  return clients_[client].heard;
}

int SseCrowd::reconnections() const {
  const std::scoped_lock lock(mutex_);
  return reconnections_;
}

void SseCrowd::run(const std::stop_token& stop) {
  std::array<epoll_event, 256> events{};
  while (!stop.stop_requested()) {
    bool away = false;
    {
      const std::scoped_lock lock(mutex_);
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (clients_[i].socket < 0) {
          connect(i);
          away = away || clients_[i].socket < 0;
          if (away) {
            break;  // Nobody answers there now: no use in asking a thousand times.
          }
        }
      }
    }
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), between_attempts_ms);
    if (count <= 0) {
      continue;
    }
    const std::scoped_lock lock(mutex_);
    for (int i = 0; i < count; ++i) {
      read(clients_[events[static_cast<std::size_t>(i)].data.u64]);
    }
    changed_.notify_all();
  }
}

void SseCrowd::connect(std::size_t index) {
  Client& client = clients_[index];
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string last = client.heard.empty() ? "" : client.heard.back().id;
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n{}\r\n", client.target,
                  last.empty() ? "" : "Last-Event-ID: " + last + "\r\n");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = index;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()) ||
      epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) {
    close(socket);
    return;
  }
  client.socket = socket;
  reconnections_ += client.knew_before ? 1 : 0;
  client.knew_before = true;
}

void SseCrowd::disconnect(Client& client) {
  close(client.socket);
  client.socket = -1;
  client.streaming = false;
  client.raw.clear();
  client.text.clear();
}

void SseCrowd::read(Client& client) {
  std::array<char, 16384> buffer{};
  const ssize_t count = recv(client.socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) {
    return;
  }
  if (count <= 0) {
    disconnect(client);
    return;
  }
  client.raw.append(buffer.data(), static_cast<std::size_t>(count));
  if (!client.streaming) {
    const std::size_t end = client.raw.find("\r\n\r\n");
    if (end == std::string::npos) {
      return;
    }
    if (!client.raw.starts_with("HTTP/1.1 200")) {
      disconnect(client);
      return;
    }
    client.raw.erase(0, end + 4);
    client.streaming = true;
  }
  take_chunks(client);
  take_events(client);
}

void SseCrowd::take_chunks(Client& client) {
  for (;;) {
    const std::size_t line = client.raw.find("\r\n");
    if (line == std::string::npos) {
      return;
    }
    const std::size_t size = std::stoul(client.raw.substr(0, line), nullptr, 16);
    if (client.raw.size() < line + 2 + size + 2) {
      return;
    }
    client.text += client.raw.substr(line + 2, size);
    client.raw.erase(0, line + 2 + size + 2);
  }
}

void SseCrowd::take_events(Client& client) {
  for (std::size_t end = client.text.find("\n\n"); end != std::string::npos; end = client.text.find("\n\n")) {
    const std::string event = client.text.substr(0, end);
    client.text.erase(0, end + 2);
    // An id without data only says where the client is to go on from.
    if (std::string id = field(event, "id: "); !id.empty() && event.find("data:") != std::string::npos) {
      client.heard.push_back({std::move(id), field(event, "event: "), Clock::now()});
    }
  }
}

bool allow_open_files(std::size_t count) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return false;
  }
  if (limit.rlim_cur < count) {
    limit.rlim_cur = std::min<rlim_t>(std::max<rlim_t>(count, limit.rlim_cur), limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      return false;
    }
  }
  return limit.rlim_cur >= count;
}

}  // namespace tessera::testing
