// SPDX-License-Identifier: Apache-2.0
// What every communicator can do, built from its few primitives.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "base/error.hpp"
#include "comm/communicator.hpp"

namespace tessera {
namespace {

constexpr int sizes_tag = 900;
constexpr int all_to_all_tag = 901;
/// Gathered records are filled up to the longest where all of them together are no longer than this.
constexpr std::uint64_t max_padded_bytes = 1 << 20;

std::span<const std::byte> bytes_of(const std::uint64_t& value) {
  return std::as_bytes(std::span(&value, 1));
}

Error out_of_memory() {
  return {ErrorCode::limit_exceeded,
          "The memory of the machine ran out: use fewer threads, a smaller image, or a machine with more."};
}

/// What is being handled, as an Error.
Error current_error(int rank) {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::exception& error) {
    return {ErrorCode::internal, fmt::format("Internal error on rank {}: {}", rank, error.what())};
  } catch (...) {
    return {ErrorCode::internal, fmt::format("Internal error on rank {}: an unknown exception.", rank)};
  }
}

/// The code, the sentence, a NUL, the subject.
Bytes packed(const Error& error) {
  std::string text(1, static_cast<char>(error.code()));
  text += error.what();
  text += '\0' + error.subject();
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Error unpacked(const Bytes& report) {
  const std::string_view text(reinterpret_cast<const char*>(report.data()) + 1, report.size() - 1);
  const std::size_t end = text.find('\0');
  return {static_cast<ErrorCode>(report[0]), std::string(text.substr(0, end)),
          std::string(text.substr(end + 1))};
}

}  // namespace

void send_bytes(Communicator& comm, const Bytes& data, int to, int tag) {
  const std::uint64_t size = data.size();
  const auto header = comm.send(bytes_of(size), to, sizes_tag + tag);
  const auto body = comm.send(data, to, tag);
  header->wait();
  body->wait();
}

Bytes receive_bytes(Communicator& comm, int from, int tag) {
  std::uint64_t size = 0;
  comm.receive(std::as_writable_bytes(std::span(&size, 1)), from, sizes_tag + tag)->wait();
  Bytes data(size);
  comm.receive(data, from, tag)->wait();
  return data;
}

Bytes broadcast_bytes(Communicator& comm, Bytes data, int from) {
  std::uint64_t size = data.size();
  comm.broadcast(std::as_writable_bytes(std::span(&size, 1)), from);
  data.resize(size);
  comm.broadcast(data, from);
  return data;
}

std::vector<Bytes> all_gather_bytes(Communicator& comm, const Bytes& mine) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::uint64_t size = mine.size();
  std::vector<std::uint64_t> sizes(ranks);
  comm.all_gather(bytes_of(size), std::as_writable_bytes(std::span(sizes)));
  const std::uint64_t longest = *std::max_element(sizes.begin(), sizes.end());
  if (longest * ranks > max_padded_bytes) {
    return all_to_all_bytes(comm, std::vector<Bytes>(ranks, mine));
  }
  // One collective call, whose steps grow with the logarithm of the ranks, in the place of a message for each
  // pair of them.
  Bytes padded = mine;
  padded.resize(longest, std::byte{});
  Bytes all(longest * ranks);
  comm.all_gather(padded, all);
  std::vector<Bytes> records;
  records.reserve(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(r * longest);
    records.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(sizes[r]));
  }
  return records;
}

std::vector<Bytes> all_to_all_bytes(Communicator& comm, std::vector<Bytes> outgoing) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<std::uint64_t> sizes(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    sizes[r] = outgoing[r].size();
  }
  std::vector<std::uint64_t> incoming_sizes(ranks);
  comm.all_to_all(std::as_bytes(std::span(sizes)), std::as_writable_bytes(std::span(incoming_sizes)));
  const auto me = static_cast<std::size_t>(comm.rank());
  std::vector<Bytes> incoming(ranks);
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r == me) {
      incoming[r] = std::move(outgoing[r]);
      continue;
    }
    incoming[r].resize(incoming_sizes[r]);
    if (!incoming[r].empty()) {
      transfers.push_back(comm.receive(incoming[r], static_cast<int>(r), all_to_all_tag));
    }
  }
  for (std::size_t r = 0; r < ranks; ++r) {
    if (r != me && !outgoing[r].empty()) {
      transfers.push_back(comm.send(outgoing[r], static_cast<int>(r), all_to_all_tag));
    }
  }
  for (const auto& transfer : transfers) {
    transfer->wait();
  }
  return incoming;
}

void collective_try(Communicator& comm, const std::function<void()>& work) {
  // 0: all is well; otherwise (ranks - rank) so that the maximum names the lowest failing rank.
  std::uint64_t verdict = 0;
  Bytes report;
  try {
    work();
  } catch (...) {
    const Error error = current_error(comm.rank());
    verdict = static_cast<std::uint64_t>(comm.size() - comm.rank());
    report = packed(error);
  }
  comm.all_reduce(std::span(&verdict, 1), Merge::maximum);
  if (verdict == 0) {
    return;
  }
  report = broadcast_bytes(comm, std::move(report), comm.size() - static_cast<int>(verdict));
  throw unpacked(report);
}

}  // namespace tessera
