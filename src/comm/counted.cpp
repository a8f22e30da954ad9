// SPDX-License-Identifier: Apache-2.0
#include "comm/counted.hpp"

namespace tessera {

void CountedCommunicator::count(std::size_t sent, std::size_t received) {
  sent_ += static_cast<std::int64_t>(sent);
  received_ += static_cast<std::int64_t>(received);
}

std::unique_ptr<Transfer> CountedCommunicator::send(std::span<const std::byte> data, int to, int tag) {
  count(to == rank() ? 0 : data.size(), 0);
  return comm_.send(data, to, tag);
}

std::unique_ptr<Transfer> CountedCommunicator::receive(std::span<std::byte> data, int from, int tag) {
  count(0, from == rank() ? 0 : data.size());
  return comm_.receive(data, from, tag);
}

void CountedCommunicator::broadcast(std::span<std::byte> data, int from) {
  if (rank() == from) {
    count(data.size() * static_cast<std::size_t>(others()), 0);
  } else {
    count(0, data.size());
  }
  comm_.broadcast(data, from);
}

void CountedCommunicator::all_reduce(std::span<std::uint64_t> values, Merge merge) {
  // Whatever the algorithm, a rank gives its values away once and gets the result once.
  const std::size_t bytes = others() > 0 ? values.size_bytes() : 0;
  count(bytes, bytes);
  comm_.all_reduce(values, merge);
}

void CountedCommunicator::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  const std::size_t bytes = mine.size() * static_cast<std::size_t>(others());
  count(bytes, bytes);
  comm_.all_gather(mine, all);
}

void CountedCommunicator::all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) {
  const auto ranks = static_cast<std::size_t>(size());
  count(outgoing.size() / ranks * (ranks - 1), incoming.size() / ranks * (ranks - 1));
  comm_.all_to_all(outgoing, incoming);
}

}  // namespace tessera
