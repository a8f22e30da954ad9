// SPDX-License-Identifier: Apache-2.0
#include "ranks/transfer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <thread>

#include "base/error.hpp"
#include "ranks/channel.hpp"
#include "ranks/child.hpp"
#include "ranks/mpirun.hpp"

namespace tessera {
namespace {

// Both ends are the same program on the same machine.

enum class RequestKind : std::uint32_t { read = 1, write = 2, stop = 3 };

struct RequestHead {
  RequestKind kind = RequestKind::read;
  std::uint32_t grant_bytes = 0;  ///< the grant follows, and of a write `count` bytes
  std::int64_t first = 0;
  std::int64_t count = 0;
};
static_assert(sizeof(RequestHead) == 24);

/// Before each part of an answer: the number of bytes that follow, or one of these.
constexpr std::int32_t end_of_answer = 0;
constexpr std::int32_t failure = -1;

struct FailureHead {
  std::int32_t code = 0;
  std::int32_t sentence_bytes = 0;
};

constexpr std::size_t signature_chars = 64;
constexpr std::size_t part_bytes = 64 * 1024;
constexpr std::int32_t max_sentence = 4096;
constexpr std::chrono::milliseconds stop_check_interval{200};

bool send_all(int socket, const void* data, std::size_t bytes) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t sent = ::send(socket, at, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    at += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int socket, void* data, std::size_t bytes) {
  auto* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t got = ::recv(socket, at, bytes, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

[[noreturn]] void fail_to_start(int reason) {
  throw Error(ErrorCode::io,
              fmt::format("Cannot start the process that transfers objects: {}.", std::strerror(reason)));
}

struct SocketPair {
  FileDescriptor here;
  FileDescriptor there;

  SocketPair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      fail_to_start(errno);
    }
    here.reset(ends[0]);
    there.reset(ends[1]);
  }
};

/// Requests a stop when the rank asks for one, or is gone, until it is destroyed.
class StopWatch {
 public:
  StopWatch(int lane, std::stop_source& stop) : end_(::eventfd(0, EFD_CLOEXEC)) {
    if (!end_) {
      throw Error(ErrorCode::io, fmt::format("Cannot create an eventfd: {}.", std::strerror(errno)));
    }
    thread_ = std::jthread([this, lane, &stop] { watch(lane, stop); });
  }
  ~StopWatch() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(end_.get(), &one, sizeof one));
  }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  void watch(int lane, std::stop_source& stop) const {
    std::array<pollfd, 2> waits{{{end_.get(), POLLIN, 0}, {lane, POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), -1) < 0) {
    }
    if (waits[0].revents != 0) {
      return;
    }
    // Nothing but a stop, or the end of the lane, comes before a request is answered. A stop stays in the socket
    // and is taken from there with the next request.
    stop.request_stop();
  }

  FileDescriptor end_;
  std::jthread thread_;
};

void answer_failure(int lane, const Error& error) {
  const std::string sentence = std::string(error.what()).substr(0, max_sentence);
  const FailureHead head{static_cast<std::int32_t>(error.code()), static_cast<std::int32_t>(sentence.size())};
  static_cast<void>(send_all(lane, &failure, sizeof failure) && send_all(lane, &head, sizeof head) &&
                    send_all(lane, sentence.data(), sentence.size()));
}

/// The bytes of a write, which the rank sends behind its request.
class Body {
 public:
  Body(int lane, std::int64_t bytes) : lane_(lane), left_(bytes) {}
  std::vector<std::byte> take() {
    std::vector<std::byte> bytes(static_cast<std::size_t>(left_));
    receive(bytes);
    return bytes;
  }
  /// Takes what was not taken, so that the lane can be used again.
  void pass_over() {
    std::vector<std::byte> some(part_bytes);
    while (left_ > 0) {
      receive(std::span(some).first(static_cast<std::size_t>(std::min<std::int64_t>(left_, part_bytes))));
    }
  }

 private:
  void receive(std::span<std::byte> to) {
    if (!receive_all(lane_, to.data(), to.size())) {
      throw Error(ErrorCode::cancelled, "The rank has ended.");
    }
    left_ -= std::ssize(to);
  }

  int lane_;
  std::int64_t left_;
};

void send_part(int lane, std::span<const std::byte> bytes) {
  const auto size = static_cast<std::int32_t>(bytes.size());
  if (!send_all(lane, &size, sizeof size) || !send_all(lane, bytes.data(), bytes.size())) {
    throw Error(ErrorCode::cancelled, "The rank no longer needs the object.");
  }
}

void read_for(int lane, const std::string& grant, const RequestHead& head, TransferHandler& handler) {
  std::stop_source stop;
  const StopWatch watch(lane, stop);
  const auto pass_on = [&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "The rank no longer needs the object.");
      }
      const auto part = bytes.first(std::min(bytes.size(), part_bytes));
      send_part(lane, part);
      bytes = bytes.subspan(part.size());
    }
  };
  handler.read(grant, head.first, head.count, pass_on, stop.get_token());
}

void write_for(int lane, const std::string& grant, const RequestHead& head, TransferHandler& handler) {
  Body body(lane, head.count);
  std::stop_source stop;
  std::optional<StopWatch> watch;
  const auto take = [&] {
    std::vector<std::byte> bytes = body.take();
    watch.emplace(lane, stop);
    return bytes;
  };
  try {
    const std::string tag = handler.write(grant, head.count, take, stop.get_token());
    send_part(lane, std::as_bytes(std::span(tag)).first(std::min(tag.size(), part_bytes)));
  } catch (const Error&) {
    body.pass_over();
    throw;
  }
}

void answer(int lane, const std::string& grant, const RequestHead& head, TransferHandler& handler) {
  try {
    (head.kind == RequestKind::read ? read_for : write_for)(lane, grant, head, handler);
    static_cast<void>(send_all(lane, &end_of_answer, sizeof end_of_answer));
  } catch (const Error& error) {
    answer_failure(lane, error);
  } catch (const std::exception& error) {
    answer_failure(lane, Error(ErrorCode::internal, error.what()));
  }
}

}  // namespace

std::string to_text(const SignedGrant& grant) { return fmt::format("{} {}", grant.signature, grant.line); }

SignedGrant split_grant(std::string_view text) {
  const std::size_t line = std::min(text.size(), signature_chars + 1);
  return {text.substr(0, signature_chars), text.substr(line)};
}

TransferLanes::TransferLanes(const std::string& program, int lanes) {
  SocketPair control;
  const StartedChild child =
      start_child({program, "transfer-worker"}, own_environment(), {.out = control.there.get(), .err = -1});
  helper_ = child.pid;
  if (child.failure != 0) {
    ::waitpid(helper_, nullptr, 0);
    fail_to_start(child.failure);
  }
  control_ = std::move(control.here);
  RankChannel channel(FileDescriptor(::dup(control_.get())));
  for (int lane = 0; lane < lanes; ++lane) {
    SocketPair pair;
    channel.send("lane\n", pair.there.get());
    lanes_.push_back(std::move(pair.here));
    free_lanes_.push_back(lane);
  }
}

TransferLanes::TransferLanes(std::vector<FileDescriptor> lanes) : lanes_(std::move(lanes)) {
  for (int lane = 0; lane < size(); ++lane) {
    free_lanes_.push_back(lane);
  }
}

TransferLanes::~TransferLanes() {
  if (helper_ > 0) {
    control_.reset();  // which ends it
    ::waitpid(helper_, nullptr, 0);
  }
}

struct TransferLanes::Request {
  RequestKind kind;
  const std::string& grant;
  std::int64_t first;
  std::int64_t count;
  std::span<const std::byte> body;
};

void TransferLanes::read(const std::string& grant, std::int64_t first, std::int64_t count,
                         const TransferSink& out, const std::stop_token& stop) {
  run({RequestKind::read, grant, first, count, {}}, out, stop);
}

std::string TransferLanes::write(const std::string& grant, std::span<const std::byte> bytes,
                                 const std::stop_token& stop) {
  std::string tag;
  run(
      {RequestKind::write, grant, 0, std::ssize(bytes), bytes},
      [&](std::span<const std::byte> part) {
        tag.append(reinterpret_cast<const char*>(part.data()), part.size());
      },
      stop);
  return tag;
}

void TransferLanes::run(const Request& request, const TransferSink& out, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [this] { return !free_lanes_.empty(); });
  const int lane = free_lanes_.back();
  free_lanes_.pop_back();
  lock.unlock();
  std::exception_ptr failed;
  try {
    run_on(lane, request, out, stop);
  } catch (...) {
    failed = std::current_exception();
  }
  lock.lock();
  free_lanes_.push_back(lane);
  lock.unlock();
  free_.notify_one();
  if (failed) {
    std::rethrow_exception(failed);
  }
}

void TransferLanes::run_on(int lane, const Request& request, const TransferSink& out,
                           const std::stop_token& stop) {
  const int socket = lanes_[static_cast<std::size_t>(lane)].get();
  const auto check = [](bool worked) {
    if (!worked) {
      throw Error(ErrorCode::rank_lost, "The process that transfers objects for this rank has ended.");
    }
  };
  const auto receive = [&](void* data, std::size_t bytes) { check(receive_all(socket, data, bytes)); };
  const RequestHead head{request.kind, static_cast<std::uint32_t>(request.grant.size()), request.first,
                         request.count};
  check(send_all(socket, &head, sizeof head) &&
        send_all(socket, request.grant.data(), request.grant.size()) &&
        send_all(socket, request.body.data(), request.body.size()));
  // Whatever happens, the whole answer is taken, so that the lane can be used again.
  std::exception_ptr failed;
  bool stopped = false;
  std::vector<std::byte> part;
  while (true) {
    pollfd wait{socket, POLLIN, 0};
    while (!stopped && ::poll(&wait, 1, static_cast<int>(stop_check_interval.count())) <= 0) {
      if (stop.stop_requested()) {
        stopped = true;
        const RequestHead end{RequestKind::stop, 0, 0, 0};
        check(send_all(socket, &end, sizeof end));
      }
    }
    std::int32_t size = 0;
    receive(&size, sizeof size);
    if (size == end_of_answer) {
      break;
    }
    if (size == failure) {
      FailureHead what;
      receive(&what, sizeof what);
      std::string sentence(static_cast<std::size_t>(std::clamp(what.sentence_bytes, 0, max_sentence)), '\0');
      receive(sentence.data(), sentence.size());
      if (!failed) {
        failed = std::make_exception_ptr(Error(static_cast<ErrorCode>(what.code), sentence));
      }
      break;
    }
    part.resize(static_cast<std::size_t>(std::clamp<std::int32_t>(size, 0, part_bytes)));
    receive(part.data(), part.size());
    try {
      if (!failed && !stopped) {
        out(part);
      }
    } catch (...) {
      failed = std::current_exception();
    }
  }
  if (stopped) {
    throw Error(ErrorCode::cancelled, "Stopped during a transfer from or to the store.");
  }
  if (failed) {
    std::rethrow_exception(failed);
  }
}

void serve_transfers(const FileDescriptor& lane, TransferHandler& handler) {
  RequestHead head;
  while (receive_all(lane.get(), &head, sizeof head)) {
    if (head.kind == RequestKind::stop) {
      continue;  // the request that it was for has ended
    }
    if ((head.kind != RequestKind::read && head.kind != RequestKind::write) ||
        head.grant_bytes > max_grant_bytes || head.first < 0 || head.count < 0) {
      return;
    }
    std::string grant(head.grant_bytes, '\0');
    if (!receive_all(lane.get(), grant.data(), grant.size())) {
      return;
    }
    answer(lane.get(), grant, head, handler);
  }
}

}  // namespace tessera
