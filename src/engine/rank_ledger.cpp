// SPDX-License-Identifier: Apache-2.0
#include "engine/rank_ledger.hpp"

#include <algorithm>

namespace tessera {

RankLedger::RankLedger(const ForecastOptions& options)
    : options_(options), ranks_(static_cast<std::size_t>(options.ranks)), buffers_(ranks_.size(), 0) {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    note(rank, 0);
  }
}

void RankLedger::hold(const ImageInfo& image, Bands rows) {
  held_ = image;
  held_rows_ = std::move(rows);
}

void RankLedger::note(std::size_t rank, std::int64_t bytes) {
  const bool reads = rank == 0 || options_.every_rank_reads;
  const std::int64_t band = held_ ? held_rows_[rank].size() * held_->row_bytes() : 0;
  const std::int64_t all =
      options_.at_rest_bytes + (reads ? options_.source_bytes : 0) + band + buffers_[rank] + bytes;
  ranks_[rank].memory_bytes = std::max(ranks_[rank].memory_bytes, all);
}

void RankLedger::keep_buffers(std::size_t rank, std::int64_t bytes) {
  buffers_[rank] = std::max(buffers_[rank], bytes);
}

void RankLedger::send(std::size_t from, std::size_t to, std::int64_t bytes) {
  ranks_[from].sent_bytes += bytes;
  ranks_[to].received_bytes += bytes;
}

void RankLedger::add_traffic(std::size_t rank, std::int64_t sent, std::int64_t received) {
  ranks_[rank].sent_bytes += sent;
  ranks_[rank].received_bytes += received;
}

void RankLedger::all_reduce(std::int64_t bytes) {
  if (ranks_.size() > 1) {
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
      add_traffic(rank, bytes, bytes);
    }
  }
}

std::vector<std::int64_t> RankLedger::exchange(const Bands& bands, const ImageInfo& image,
                                               const std::vector<std::vector<Rect>>& needs,
                                               const std::vector<std::int64_t>& beside) {
  std::vector<std::int64_t> ghosts(ranks_.size(), 0);
  std::vector<std::int64_t> outgoing(ranks_.size(), 0);
  for (const Move& move : plan_exchange(bands, image.extent.width, needs)) {
    const std::int64_t bytes = move.rect.width * move.rect.height * image.format.bytes_per_pixel();
    const auto from = static_cast<std::size_t>(move.from);
    const auto to = static_cast<std::size_t>(move.to);
    send(from, to, bytes);
    outgoing[from] += bytes;
    ghosts[to] += bytes;
  }
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    note(rank, ghosts[rank] + outgoing[rank] + (beside.empty() ? 0 : beside[rank]));
  }
  return ghosts;
}

}  // namespace tessera
