// SPDX-License-Identifier: Apache-2.0
// Runs one strip through a chain of fused operators. Two buffers take turns; each leaves room around the
// pixels for the next operator's ghost pixels, so nothing is copied between operators.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/bytes.hpp"
#include "plan/plan.hpp"

namespace tessera {

/// The stage's input, as one strip reads it.
struct StripReader {
  /// Fills `out` (allocated; its rect may reach above and below the image only when the first operator
  /// wraps).
  std::function<void(Tile& out)> fetch;
  /// Nothing above `row` will be fetched any more.
  std::function<void(std::int64_t row)> pass = [](std::int64_t) {};
};

/// Scratch of one worker; reused from strip to strip so that its memory is touched for the first time only
/// once. A strip that is reduced from more rows than should be in memory gets them piece by piece (see
/// link_in_pieces): the operators before the reduction then run for each piece, in buffers of their own.
class ChainRunner {
 public:
  /// The result covers `rows` at full width and stays valid until the next call. `findings[i]` takes what
  /// chain[i] finds. Throws Error(cancelled) before the next operator, or within it, once a stop is asked
  /// for.
  Tile run(const std::vector<ChainLink>& chain, const ImageInfo& in, const Interval& rows,
           const StripReader& reader, std::vector<std::vector<double>>& findings,
           std::int64_t max_reduced_bytes, const std::stop_token& stop);

 private:
  using Found = std::span<std::vector<double>>;
  struct Buffers {
    Bytes color[2];
    Bytes alpha[2];
    Bytes transparency;
    int color_turn = 0;
    int alpha_turn = 0;

    /// A plane for `rect` grown by `margin`, in the buffer that is not in use; returns the plane of `rect`
    /// itself.
    cv::Mat place(const Rect& rect, const Halo& margin, int type);
    cv::Mat place_alpha(const Rect& rect, int type);
    /// The alpha plane of `tile` over `grown_rect`, continued outside the image by the border rule.
    cv::Mat grow_alpha(const Tile& tile, const Rect& grown_rect, const ImageInfo& image, Border border);
  };
  /// What is the same for all pieces of a strip.
  struct Strip {
    const ImageInfo& in;
    const StripReader& reader;
    std::int64_t max_reduced_bytes;
    const std::stop_token& stop;
  };

  Tile run_links(std::size_t level, std::span<const ChainLink> chain, const Strip& strip,
                 const Interval& rows, Found findings);
  Tile run_in_pieces(std::size_t level, std::span<const ChainLink> chain, const Strip& strip,
                     const StripNeeds& needs, const Halo& next_halo, Found findings);
  static Tile run_link(Buffers& buffers, const ChainLink& link, Tile current, const Rect& out_rect,
                       const Halo& next_halo, std::vector<double>* findings, const std::stop_token& stop);

  std::deque<Buffers> levels_;  ///< of the strip itself, of its pieces, of their pieces
};

}  // namespace tessera
