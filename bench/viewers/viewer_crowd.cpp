// SPDX-License-Identifier: Apache-2.0
#include "viewer_crowd.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "base/text.hpp"

namespace tessera::bench {
namespace {

constexpr std::size_t read_bytes = 256 << 10;

/// Of an answer whose header is complete.
struct Head {
  int status = 0;
  std::size_t bytes = 0;  ///< of header and body
  std::size_t body_begin = 0;
};

/// Nothing while the header is not complete.
std::optional<Head> head_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) {
    return std::nullopt;
  }
  const std::string header = ascii_lowered(answer.substr(0, end + 2));
  const std::string field = "\r\ncontent-length: ";
  const std::size_t length = header.find(field);
  if (!header.starts_with("http/1.1 ") || length == std::string::npos) {
    throw std::runtime_error("the gateway answered with something unexpected: " + header.substr(0, 200));
  }
  return Head{std::stoi(header.substr(9, 3)), end + 4 + std::stoul(header.substr(length + field.size(), 20)),
              end + 4};
}

}  // namespace

struct ViewerCrowd::Connection {
  FileDescriptor socket;
  std::optional<Wanted> busy = {};
  std::string unsent = {};    ///< the request, until the connection is there
  std::string received = {};  ///< of the answer
  std::optional<Head> head = {};
};

struct ViewerCrowd::Viewer {
  std::size_t index = 0;
  std::size_t picture = 0;
  TileWalk walk;
  bool arrived = false;
  std::string identifier = {};  ///< percent-encoded; empty until the view is open
  std::deque<Wanted> wanted = {};
  std::set<Tile> known = {};  ///< in the browser's cache, or on their way
  std::vector<Connection> connections = {};
};

ViewerCrowd::ViewerCrowd(CrowdOptions options, std::vector<ViewedPicture> pictures)
    : options_(options),
      pictures_(std::move(pictures)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      answered_(pictures_.size()),
      buffer_(read_bytes) {
  for (int index = 0; index < options_.viewers; ++index) {
    const auto at = static_cast<std::size_t>(index);
    const std::size_t picture = at % pictures_.size();
    const bool map = (at / pictures_.size()) % static_cast<std::size_t>(options_.every_nth_is_a_map) == 0;
    viewers_.push_back(std::make_unique<Viewer>(
        Viewer{at, picture,
               TileWalk(pictures_[picture].size, map ? TileAddress::xyz : TileAddress::iiif,
                        options_.seed + static_cast<unsigned>(index))}));
    viewers_.back()->connections.resize(static_cast<std::size_t>(options_.connections));
  }
}

ViewerCrowd::~ViewerCrowd() = default;

CrowdReport ViewerCrowd::run() {
  begin_ = Clock::now();
  const auto after = [&](std::chrono::duration<double> time) {
    return begin_ + std::chrono::duration_cast<Clock::duration>(time);
  };
  for (std::size_t index = 0; index < viewers_.size(); ++index) {
    due_.push({after(options_.arrival * (static_cast<double>(index) / static_cast<double>(viewers_.size()))),
               index});
  }
  const auto end = after(options_.duration);
  std::array<epoll_event, 512> events{};
  for (auto now = begin_; now < end; now = Clock::now()) {
    while (!due_.empty() && due_.top().at <= now) {
      const Due due = due_.top();
      due_.pop();
      act(due.viewer);
      // From when it was due, so that a client that is late does not ask for less.
      due_.push({due.at + std::chrono::duration_cast<Clock::duration>(
                              std::chrono::duration<double>(viewers_[due.viewer]->walk.uniform(
                                  options_.least_pause.count(), options_.most_pause.count()))),
                 due.viewer});
    }
    const auto next = std::min(end, due_.empty() ? end : due_.top().at);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   static_cast<int>(std::max<std::int64_t>(0, wait)));
    for (int i = 0; i < count; ++i) {
      const std::uint64_t name = events[static_cast<std::size_t>(i)].data.u64;
      transfer(name >> 8U, name & 255U);
    }
  }
  for (const auto& tiles : answered_) {
    report_.different_tiles += static_cast<std::int64_t>(tiles.size());
  }
  return std::move(report_);
}

void ViewerCrowd::act(std::size_t index) {
  Viewer& viewer = *viewers_[index];
  if (!viewer.arrived) {
    viewer.arrived = true;
    viewer.wanted.push_back({.tile = {}, .opening = true, .since = Clock::now()});
    dispatch(viewer);
    return;
  }
  if (viewer.identifier.empty()) {
    if (std::ranges::none_of(viewer.connections,
                             [](const Connection& each) { return each.busy.has_value(); })) {
      viewer.wanted.push_back({.tile = {}, .opening = true, .since = Clock::now()});
      dispatch(viewer);
    }
    return;
  }
  viewer.walk.step();
  look(viewer);
}

void ViewerCrowd::look(Viewer& viewer) {
  report_.overtaken += static_cast<std::int64_t>(viewer.wanted.size());
  for (const Wanted& left : viewer.wanted) {
    viewer.known.erase(left.tile);
  }
  viewer.wanted.clear();
  for (const Tile& tile : viewer.walk.visible()) {
    if (viewer.known.insert(tile).second) {
      viewer.wanted.push_back(
          {.tile = tile, .cached = answered_[viewer.picture].contains(tile), .since = Clock::now()});
    }
  }
  dispatch(viewer);
}

void ViewerCrowd::dispatch(Viewer& viewer) {
  for (Connection& connection : viewer.connections) {
    if (viewer.wanted.empty()) {
      return;
    }
    if (!connection.busy) {
      connection.busy = viewer.wanted.front();
      viewer.wanted.pop_front();
      send(viewer, connection);
    }
  }
}

void ViewerCrowd::send(Viewer& viewer, Connection& connection) {
  const ViewedPicture& picture = pictures_[viewer.picture];
  connection.busy->asked = Clock::now();
  if (connection.busy->opening) {
    const std::string body = nlohmann::json{{"object", picture.object}}.dump();
    connection.unsent = fmt::format(
        "POST /v1/views HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: "
        "application/json\r\nContent-Length: {}\r\n\r\n{}",
        picture.token, body.size(), body);
  } else {
    connection.unsent = fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                                    connection.busy->tile.target(viewer.identifier, picture.size));
  }
  if (!connection.socket && !connect(viewer, connection)) {
    lose(viewer, connection);
    return;
  }
  const auto number = static_cast<std::size_t>(&connection - viewer.connections.data());
  transfer(viewer.index, number);
}

bool ViewerCrowd::connect(Viewer& viewer, Connection& connection) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = (static_cast<std::uint64_t>(viewer.index) << 8U) |
                   static_cast<std::uint64_t>(&connection - viewer.connections.data());
  if (!socket ||
      (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
       errno != EINPROGRESS) ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) {
    return false;
  }
  connection.socket = std::move(socket);
  return true;
}

void ViewerCrowd::transfer(std::size_t viewer, std::size_t number) {
  Viewer& owner = *viewers_[viewer];
  Connection& connection = owner.connections[number];
  if (!connection.socket) {
    return;  // it was closed while its event waited
  }
  if (!connection.unsent.empty()) {
    const ssize_t sent =
        ::send(connection.socket.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOTCONN) {
      lose(owner, connection);
      return;
    }
    connection.unsent.erase(0, static_cast<std::size_t>(std::max<ssize_t>(0, sent)));
  }
  receive(owner, connection);
}

void ViewerCrowd::receive(Viewer& viewer, Connection& connection) {
  while (connection.socket) {
    const ssize_t count = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOTCONN)) {
      return;
    }
    if (count <= 0) {
      lose(viewer, connection);
      return;
    }
    report_.bytes += count;
    connection.received.append(buffer_.data(), static_cast<std::size_t>(count));
    if (!connection.head) {
      connection.head = head_of(connection.received);
    }
    if (connection.head && connection.received.size() >= connection.head->bytes) {
      const std::string answer = std::move(connection.received);
      const Head head = *connection.head;
      connection.received.clear();
      connection.head.reset();
      finish(viewer, connection, head.status, answer.substr(head.body_begin));
    }
  }
}

void ViewerCrowd::finish(Viewer& viewer, Connection& connection, int status, const std::string& body) {
  const auto now = Clock::now();
  const Wanted done = *connection.busy;
  connection.busy.reset();
  const auto ms_from = [now](Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(now - begin).count();
  };
  const double ms = ms_from(done.since);
  if (status != 200) {
    ++report_.refusals[status];
    viewer.known.erase(done.tile);
  } else if (done.opening) {
    report_.open_ms.push_back(ms);
    const std::string info = nlohmann::json::parse(body).at("info");
    const std::size_t begin = info.find("/iiif/") + 6;
    viewer.identifier = info.substr(begin, info.rfind('/') - begin);
    look(viewer);
  } else {
    answered_[viewer.picture].insert(done.tile);
    TileTimes& times = done.since - begin_ < options_.settling ? report_.settling : report_.settled;
    (done.cached ? times.cached_ms : times.new_ms).push_back(ms);
    if (done.cached) {
      times.cached_answer_ms.push_back(ms_from(done.asked));
    }
  }
  dispatch(viewer);
}

void ViewerCrowd::lose(Viewer& viewer, Connection& connection) {
  if (connection.busy) {
    ++report_.broken;
    viewer.known.erase(connection.busy->tile);
  }
  connection = Connection();
}

}  // namespace tessera::bench
