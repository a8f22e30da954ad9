// SPDX-License-Identifier: Apache-2.0
// From operators to stages. A stage is a chain of local operators that each strip runs through while it is in
// cache; it ends where pixels must meet: at a statistic, a whole-frame operator, or the result. Pure
// functions: nothing here touches pixels, so the same code runs, explains and simulates.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/catalog.hpp"

namespace tessera {

/// Pixels that a rank holds where it could also do without.
constexpr std::int64_t default_max_held_bytes = std::int64_t{256} << 20;
/// What a rank is sent at a time of a source that only the root can read: enough work between two meetings of
/// the ranks, and soon enough the first.
constexpr std::int64_t fed_bytes = std::int64_t{16} << 20;

/// What a strip holds of the rows that a reduction makes few of; of more it gets one piece after the other.
constexpr std::int64_t default_max_reduced_bytes = std::int64_t{32} << 20;

/// One fused operator of a stage.
struct ChainLink {
  std::string name;
  /// Empty: the operator that the statistic at the end of the stage before will return.
  std::shared_ptr<const LocalOp> op;
  ImageInfo in;
  ImageInfo out;
  Halo halo;
};

struct Stage {
  ImageInfo in;
  ImageInfo out;  ///< after the chain (and the whole-frame operator)
  std::vector<ChainLink> chain = {};
  /// At most one of the two; they take the chain's result. A statistic with a halo has an empty chain.
  std::shared_ptr<const StatisticOp> statistic = {};
  std::shared_ptr<const WholeFrameOp> whole_frame = {};
  std::string end_name = {};  ///< of the statistic or whole-frame operator
  /// The stage ends here only so that fewer rows are made twice: it may as well run in one with the next,
  /// where its result would be too much to hold.
  bool fuse_with_next = false;
};

struct Plan {
  ImageInfo in;
  ImageInfo out;
  std::vector<Stage> stages;  ///< at least one; the last has no statistic
};

/// How big pictures may become.
struct PlanLimits {
  /// Pixels of the result. Pictures between may be as big as the input, even where that is bigger.
  std::int64_t max_pixels = std::int64_t{1} << 33;
  std::int64_t max_side_px = 1'000'000;
};

/// On each side as far as the farther of the two.
[[nodiscard]] Halo most(const Halo& a, const Halo& b);

/// Whether the link reads rows from beyond the other edge of the image.
[[nodiscard]] bool wraps_rows(const ChainLink& link);

/// Composites are expanded, gray-only operators get a grayscale before them, and the chain is cut where it
/// must be. Throws Error(bad_parameter, unsupported_input, limit_exceeded) if an operator cannot take what
/// reaches it, or if a picture would be bigger than `limits` allow: before anything is worked on.
[[nodiscard]] Plan make_plan(const std::vector<Operator>& operators, const ImageInfo& in,
                             const PlanLimits& limits = {});

/// Which rows each link of a chain must produce for `rows` of the stage's output, and what of the stage's
/// input that takes. `input` may reach outside the image only when the first link wraps around; links[i] are
/// rows of chain[i].out.
struct StripNeeds {
  std::vector<Interval> links;
  Rect input;
};
[[nodiscard]] StripNeeds strip_needs(std::span<const ChainLink> chain, const ImageInfo& in,
                                     const Interval& rows);

/// The last operator of the chain that takes its input for this strip in pieces, because it makes few rows of
/// more than `max_bytes`: what leads to it is then made a piece at a time. Nothing if there is none.
[[nodiscard]] std::optional<std::size_t> link_in_pieces(std::span<const ChainLink> chain,
                                                        const StripNeeds& needs, std::int64_t max_bytes);
/// Rows of such a piece: few enough to stay small, enough that rows made twice are a small part.
[[nodiscard]] std::int64_t rows_of_piece(std::span<const ChainLink> before, const ImageInfo& in,
                                         std::int64_t max_bytes);

/// The rows of the stage's input that each strip of `band` reads, if that can be had from a source that is
/// read once, in order, with a bounded number of rows in memory: full-width rows inside the image, of which
/// neither beginnings nor ends fall.
[[nodiscard]] std::optional<std::vector<Interval>> streamed_rows(const Stage& stage, const Interval& band,
                                                                 std::int64_t strip_rows);

/// Splits `height` rows into `parts` bands whose edges are multiples of `align`, as even as they can be.
/// Later bands may be empty.
[[nodiscard]] std::vector<Interval> split_rows(std::int64_t height, int parts, std::int64_t align = 1);

/// A rectangle's parts inside the image when its rows wrap around: at most three unless it is taller than the
/// image.
[[nodiscard]] std::vector<Rect> wrapped_parts(const Rect& rect, const Extent& image);

struct Move {
  int from = 0;
  int to = 0;
  Rect rect;
};
/// The general exchange: bands[r] are the rows that rank r holds, needs[r] the rectangles it wants. Every
/// wanted pixel that another rank holds is in exactly one move of that wanted rectangle; what a rank holds
/// itself is in none.
[[nodiscard]] std::vector<Move> plan_exchange(const std::vector<Interval>& bands, std::int64_t width,
                                              const std::vector<std::vector<Rect>>& needs);

/// Rows of a strip: enough that ghost rows are a small part of the work, few enough that a strip and what it
/// reads stay small.
[[nodiscard]] std::int64_t suggest_strip_rows(const Stage& stage);
/// What a run takes: suggested or, if it is not 0, `asked`, in multiples of `align`.
[[nodiscard]] std::int64_t aligned_strip_rows(const Stage& stage, std::int64_t align, std::int64_t asked = 0);
/// Whether what leads to the stage's statistic may be made a second time, in front of what the statistic
/// becomes: not if operators would list their findings twice, or if rows from beyond the other edge are
/// needed.
[[nodiscard]] bool can_be_made_twice(const Stage& stage);
/// How many encoded strips may wait for those above them.
[[nodiscard]] std::int64_t strips_ahead(int threads, std::int64_t strip_bytes);
/// Whether a strip that makes one whole piece of `piece_rows` reads more than `max_bytes`, where shorter
/// strips would read much less: then a small result is better made first and cut into pieces after.
[[nodiscard]] bool pieces_read_too_much(const Stage& stage, std::int64_t piece_rows, std::int64_t max_bytes);
/// What a strip of `rows` in the middle of the stage's result reads.
[[nodiscard]] std::int64_t strip_input_bytes(const Stage& stage, std::int64_t rows);

/// What a rank has fetched at most of the source before its strips of `rows` read it: what the threads' strips read, or
/// more where that is little.
[[nodiscard]] std::int64_t max_read_ahead_bytes(const Stage& stage, std::int64_t rows, int threads,
                                                std::int64_t max_held_bytes);

/// What a run will cost, before it runs: for each stage, and in total.
struct StageEstimate {
  std::vector<std::string> operators;
  Halo halo;                         ///< of the whole chain
  std::int64_t exchanged_bytes = 0;  ///< between ranks, ghost rows and rearrangements
  std::int64_t reduced_bytes = 0;    ///< statistics' slots
  std::int64_t memory_bytes = 0;     ///< of one rank, at most
  std::int64_t strip_rows = 0;
  bool streams = false;     ///< memory does not grow with the image's height
  bool runs_again = false;  ///< its pixels are not held, but made once more for the next stage
};
struct Estimate {
  std::vector<StageEstimate> stages;
  std::int64_t memory_bytes = 0;  ///< of one rank, at most
};
struct EstimateOptions {
  int ranks = 1;
  int threads = 1;
  bool random_access_source = true;
  bool source_can_rewind = true;
  std::int64_t source_cache_bytes =
      0;  ///< of an object (ObjectInput::cache_bytes()); 0: the source is no object
  std::int64_t max_held_bytes = default_max_held_bytes;
  std::int64_t piece_rows = 64;  ///< of the sink
};
[[nodiscard]] Estimate estimate(const Plan& plan, const EstimateOptions& options);

}  // namespace tessera
