// SPDX-License-Identifier: Apache-2.0
// A group of ranks. Collective calls are made by all ranks in the same order; every call may throw
// Error(rank_lost) when another rank is gone, and Error(cancelled) when the group is being stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "comm/merge.hpp"

namespace tessera {

/// A transfer under way. Its memory must stay alive until wait() has returned; a pending one that is
/// destroyed is waited for, or its message dropped: the next transfer with its tag does not get it.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void wait() = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] bool root() const { return rank() == 0; }
  /// Where the rank runs, for people: "host-a:1234".
  [[nodiscard]] virtual std::string location() const = 0;

  /// Point to point, in order for each (sender, receiver, tag). Sizes must agree on both sides; any size is
  /// allowed.
  [[nodiscard]] virtual std::unique_ptr<Transfer> send(std::span<const std::byte> data, int to, int tag) = 0;
  [[nodiscard]] virtual std::unique_ptr<Transfer> receive(std::span<std::byte> data, int from, int tag) = 0;

  /// For a rank that fails where the others may be waiting for it: ends the group, now or as soon as the
  /// caller lets `error` escape. The caller rethrows `error`.
  virtual void abort(const std::exception& error) = 0;

  virtual void barrier() = 0;
  virtual void broadcast(std::span<std::byte> data, int from) = 0;
  virtual void all_reduce(std::span<std::uint64_t> values, Merge merge) = 0;
  /// Fixed size from each rank, to all: `all` holds size() times mine.size() bytes.
  virtual void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  /// Fixed size from each rank to each: both hold size() records of the same size, `outgoing` by receiver,
  /// `incoming` by sender.
  virtual void all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) = 0;
};

// Built from the calls above, for every kind of communicator.

/// Buffers of any size: sizes travel first.
void send_bytes(Communicator& comm, const Bytes& data, int to, int tag);
[[nodiscard]] Bytes receive_bytes(Communicator& comm, int from, int tag);
[[nodiscard]] Bytes broadcast_bytes(Communicator& comm, Bytes data, int from);
[[nodiscard]] std::vector<Bytes> all_gather_bytes(Communicator& comm, const Bytes& mine);
[[nodiscard]] std::vector<Bytes> all_to_all_bytes(Communicator& comm, std::vector<Bytes> outgoing);

/// Runs `work` on this rank and then agrees with the others: if it threw anywhere, every rank throws the
/// error of the lowest rank that failed; where memory ran out, Error(limit_exceeded). Collective. `work`
/// itself must not leave another rank waiting for a message.
void collective_try(Communicator& comm, const std::function<void()>& work);

/// A group of one.
[[nodiscard]] std::unique_ptr<Communicator> make_solo();

/// Runs `body` on `ranks` threads of this process, each with its own communicator, and returns when all have
/// ended. If one throws, the others' waits end with Error(cancelled) and the first error is rethrown.
void run_on_threads(int ranks, const std::function<void(Communicator&)>& body);

}  // namespace tessera
