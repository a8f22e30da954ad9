// SPDX-License-Identifier: Apache-2.0
// A communicator that counts what passes through it.
#pragma once

#include <atomic>

#include "comm/communicator.hpp"

namespace tessera {

/// Hands every call on and counts the bytes that this rank gives to others and gets from them, as the calls
/// mean them; what a library sends on the way, such as copies passed on in a broadcast, is not known.
class CountedCommunicator final : public Communicator {
 public:
  /// `comm` must outlive it.
  explicit CountedCommunicator(Communicator& comm) : comm_(comm) {}
  [[nodiscard]] std::int64_t sent_bytes() const { return sent_; }
  [[nodiscard]] std::int64_t received_bytes() const { return received_; }

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }
  std::string location() const override { return comm_.location(); }
  std::unique_ptr<Transfer> send(std::span<const std::byte> data, int to, int tag) override;
  std::unique_ptr<Transfer> receive(std::span<std::byte> data, int from, int tag) override;
  void abort(const std::exception& error) override { comm_.abort(error); }
  void barrier() override { comm_.barrier(); }
  void broadcast(std::span<std::byte> data, int from) override;
  void all_reduce(std::span<std::uint64_t> values, Merge merge) override;
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) override;

 private:
  [[nodiscard]] std::int64_t others() const { return comm_.size() - 1; }
  void count(std::size_t sent, std::size_t received);

  Communicator& comm_;
  std::atomic<std::int64_t> sent_{0};
  std::atomic<std::int64_t> received_{0};
};

}  // namespace tessera
