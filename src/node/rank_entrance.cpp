#include "node/rank_entrance.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.hpp"
#include "net/crypto.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds time_for_hello{5};
constexpr std::size_t most_visitors = 32;
constexpr int most_accepted_at_a_time = 64;

/// The process at the other end of a Unix socket, which the system knows; nothing for other sockets.
std::optional<pid_t> process_behind(const FileDescriptor& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 1) {
    return std::nullopt;
  }
  return peer.pid;
}

}  // namespace

void RankEntrance::add_to(std::vector<pollfd>& waits) const {
  waits.push_back({listener_.descriptor(), POLLIN, 0});
  for (const Visitor& visitor : visitors_) {
    waits.push_back({visitor.socket.get(), POLLIN, 0});
  }
}

std::chrono::milliseconds RankEntrance::time_left() const {
  if (visitors_.empty()) {
    return std::chrono::milliseconds::max();
  }
  const auto left = visitors_.front().deadline - steady_clock::now();
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
}

std::vector<RankEntrance::Arrival> RankEntrance::serve() {
  accept_all();
  std::vector<Arrival> arrivals;
  const auto now = steady_clock::now();
  std::erase_if(visitors_, [&](Visitor& visitor) {
    std::optional<Arrival> arrival;
    const bool stays = read(visitor, arrival);
    if (arrival) {
      arrivals.push_back(*std::move(arrival));
    } else if (stays && now >= visitor.deadline) {
      refuse(fmt::format("it said nothing for {} s", time_for_hello.count()));
      return true;
    }
    return !stays;
  });
  return arrivals;
}

void RankEntrance::accept_all() {
  for (int accepted = 0; accepted < most_accepted_at_a_time; ++accepted) {
    FileDescriptor socket = listener_.accept();
    if (!socket) {
      return;
    }
    if (visitors_.size() == most_visitors) {
      // Ranks speak as soon as they have connected: the one that has been silent for longest is none.
      refuse(fmt::format("more than {} connections had not said who they are", most_visitors));
      visitors_.erase(visitors_.begin());
    }
    visitors_.push_back({std::move(socket), {}, steady_clock::now() + time_for_hello});
  }
}

bool RankEntrance::read(Visitor& visitor, std::optional<Arrival>& arrival) {
  std::array<char, max_hello_bytes> buffer;
  const ssize_t count =
      ::recv(visitor.socket.get(), buffer.data(), buffer.size() - visitor.received.size(), 0);
  if (count < 0) {
    const bool wait = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (!wait) {
      refuse("it was lost");
    }
    return wait;
  }
  visitor.received.append(buffer.data(), static_cast<std::size_t>(count));
  const std::size_t end = visitor.received.find('\n');
  if (end == std::string::npos) {
    if (count == 0 || visitor.received.size() >= max_hello_bytes) {
      refuse(count == 0 ? "it ended without a hello"
                        : fmt::format("its first line is longer than {} bytes", max_hello_bytes));
      return false;
    }
    return true;
  }
  try {
    RankMessage message = rank_message(std::string_view(visitor.received).substr(0, end));
    auto* const hello = std::get_if<Hello>(&message);
    if (hello == nullptr) {
      refuse("its first message is no hello");
    } else if (!equal_in_constant_time(hello->secret, secret_)) {
      refuse("it does not know the secret");
    } else if (::fcntl(visitor.socket.get(), F_SETFL, 0) != 0) {
      refuse("its socket cannot be used");
    } else {
      hello->pid = process_behind(visitor.socket).value_or(hello->pid);
      arrival = Arrival{std::move(*hello), std::move(visitor.socket), visitor.received.substr(end + 1)};
    }
  } catch (const Error& error) {
    refuse(error.what());
  }
  return false;
}

void RankEntrance::refuse(const std::string& reason) {
  ++refused_;
  last_reason_ = reason;
}

}  // namespace tessera
