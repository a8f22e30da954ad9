// SPDX-License-Identifier: Apache-2.0
#include "node/rank_handshake.hpp"

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

constexpr std::chrono::seconds hello_timeout{5};
constexpr std::size_t max_pending_connections = 32;
constexpr int max_accepts_per_round = 64;

/// The peer process of a Unix socket, as reported by the kernel; nothing for other sockets.
std::optional<pid_t> peer_process(const FileDescriptor& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 1) {
    return std::nullopt;
  }
  return peer.pid;
}

}  // namespace

void RankHandshake::add_to(std::vector<pollfd>& waits) const {
  waits.push_back({listener_.descriptor(), POLLIN, 0});
  for (const PendingConnection& connection : pending_) {
    waits.push_back({connection.socket.get(), POLLIN, 0});
  }
}

std::chrono::milliseconds RankHandshake::time_left() const {
  if (pending_.empty()) {
    return std::chrono::milliseconds::max();
  }
  const auto left = pending_.front().deadline - steady_clock::now();
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0));
}

std::vector<RankHandshake::AcceptedRank> RankHandshake::serve() {
  accept_all();
  std::vector<AcceptedRank> accepted_ranks;
  const auto now = steady_clock::now();
  std::erase_if(pending_, [&](PendingConnection& connection) {
    std::optional<AcceptedRank> accepted_rank;
    const bool stays = read(connection, accepted_rank);
    if (accepted_rank) {
      accepted_ranks.push_back(*std::move(accepted_rank));
    } else if (stays && now >= connection.deadline) {
      refuse(fmt::format("it sent nothing for {} s", hello_timeout.count()));
      return true;
    }
    return !stays;
  });
  return accepted_ranks;
}

void RankHandshake::accept_all() {
  for (int accepted = 0; accepted < max_accepts_per_round; ++accepted) {
    FileDescriptor socket = listener_.accept();
    if (!socket) {
      return;
    }
    if (pending_.size() == max_pending_connections) {
      // Ranks send their hello immediately: the connection that has been silent longest is not a rank.
      refuse(fmt::format("more than {} connections were unauthenticated", max_pending_connections));
      pending_.erase(pending_.begin());
    }
    pending_.push_back({std::move(socket), {}, steady_clock::now() + hello_timeout});
  }
}

bool RankHandshake::read(PendingConnection& connection, std::optional<AcceptedRank>& accepted_rank) {
  std::array<char, max_hello_bytes> buffer;
  const ssize_t count =
      ::recv(connection.socket.get(), buffer.data(), buffer.size() - connection.received.size(), 0);
  if (count < 0) {
    const bool wait = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (!wait) {
      refuse("it was lost");
    }
    return wait;
  }
  connection.received.append(buffer.data(), static_cast<std::size_t>(count));
  const std::size_t end = connection.received.find('\n');
  if (end == std::string::npos) {
    if (count == 0 || connection.received.size() >= max_hello_bytes) {
      refuse(count == 0 ? "it ended without a hello"
                        : fmt::format("its first line is longer than {} bytes", max_hello_bytes));
      return false;
    }
    return true;
  }
  try {
    RankMessage message = rank_message(std::string_view(connection.received).substr(0, end));
    auto* const hello = std::get_if<Hello>(&message);
    if (hello == nullptr) {
      refuse("its first message is not a hello");
    } else if (!equal_in_constant_time(hello->secret, secret_)) {
      refuse("it does not know the secret");
    } else if (::fcntl(connection.socket.get(), F_SETFL, 0) != 0) {
      refuse("its socket cannot be used");
    } else {
      hello->pid = peer_process(connection.socket).value_or(hello->pid);
      accepted_rank =
          AcceptedRank{std::move(*hello), std::move(connection.socket), connection.received.substr(end + 1)};
    }
  } catch (const Error& error) {
    refuse(error.what());
  }
  return false;
}

void RankHandshake::refuse(const std::string& reason) {
  ++refused_;
  last_reason_ = reason;
}

}  // namespace tessera
