// SPDX-License-Identifier: Apache-2.0
// How encoded pieces get from the ranks that made them into the result: each rank writes its own where it can
// reach the result, else the root writes them all.
#pragma once

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "engine/part_route.hpp"
#include "engine/strips.hpp"
#include "engine/workers.hpp"
#include "image/sink.hpp"

namespace tessera {

/// Of one result, for the whole run. The sink must outlive it.
class ResultRoute {
 public:
  /// Finds out whether every rank can write its own pieces. Collective; throws the same Error on every rank.
  ResultRoute(Sink& sink, Communicator& comm);
  [[nodiscard]] Sink& sink() const { return sink_; }
  /// Whether every rank writes its own.
  [[nodiscard]] bool own_writes() const { return own_writes_; }
  /// Why not, in a group of several; on the root.
  [[nodiscard]] const std::string& why_gathered() const { return why_gathered_; }

  /// Root: the next piece.
  void append(const EncodedPiece& piece);
  /// Root: the next piece, which its maker writes.
  void skip(std::span<const std::byte> index, std::int64_t body_bytes);
  /// Whether all that write_own() was called with is written.
  [[nodiscard]] bool all_written() const { return all_written_; }
  /// Root, at the end of a panel, before it takes the pieces of the others: whether all ranks have written theirs of
  /// the panels before.
  void end_earlier_panels(bool all_written);
  /// Root, after that.
  void end_panel() { pieces_of_panels_ = pieces_; }
  /// Another rank: writes pieces from `offset` on in the background, after those of the call before. Throws
  /// what writing those has thrown.
  void write_own(std::int64_t offset, std::vector<EncodedPiece> pieces);
  /// At the end of a panel of a result that is uploaded in parts: see PartRoute::distribute(). Collective.
  [[nodiscard]] bool in_parts() const { return parts_.has_value(); }
  void distribute(const std::vector<std::int64_t>& ends, std::vector<EncodedPiece> mine);
  /// Waits until what this rank writes itself can be seen by the root. Throws what writing has thrown. Collective.
  void complete_own();

  [[nodiscard]] std::int64_t written_bytes() const { return written_bytes_; }

 private:
  bool join_all(bool by_name, bool& joined);
  [[nodiscard]] std::string locations_without_access(bool joined);

  Sink& sink_;
  Communicator& comm_;
  bool own_writes_ = false;
  std::string why_gathered_;
  std::int64_t written_bytes_ = 0;
  std::int64_t pieces_ = 0;            ///< root: handed to the sink
  std::int64_t pieces_of_panels_ = 0;  ///< root: of the panels that have ended
  std::atomic<bool> all_written_{true};
  std::optional<PartRoute> parts_;
  std::future<void> writing_;  ///< last, so that it ends while the others are there
};

/// The pieces of one panel: strips are encoded, brought into order, and passed on when the panel ends.
class PanelRoute {
 public:
  PanelRoute(const StripContext& strips, ResultRoute& result, Communicator& comm);
  void put(std::int64_t index, const Tile& strip);
  /// Strip `index` will not come: those behind it are not waited for.
  void abandon(std::int64_t index, std::exception_ptr failure) { order_.abandon(index, std::move(failure)); }
  /// After all strips: every rank begins to write what it made, or the root takes it from the others, unless
  /// one has failed. Throws what appending or writing threw. Every rank calls it or fail(), once.
  void finish();
  /// Instead of finish(), on a rank that failed. Throws nothing.
  void fail() noexcept;

 private:
  using Pieces = std::vector<EncodedPiece>;
  /// What the ranks tell each other at the end of a panel.
  struct Share {
    std::uint64_t message_bytes = 0;  ///< to the root; `failed`: this rank has failed, and nobody sends any
    std::int64_t body_bytes = 0;      ///< of all its pieces; of the root: where the next piece goes
    std::uint64_t unfinished = 0;     ///< whether it still writes pieces of an earlier panel
  };

  void take(Pieces pieces);
  [[nodiscard]] std::vector<Share> agree(const Share& mine);
  void finish_in_parts(const std::vector<Share>& shares, const Bytes& message);
  void receive_pieces(const std::vector<Share>& shares);
  void append_message(std::span<const std::byte> message);

  const StripContext& strips_;
  ResultRoute& result_;
  Communicator& comm_;
  InOrder<Pieces> order_;
  Pieces kept_;
};

}  // namespace tessera
