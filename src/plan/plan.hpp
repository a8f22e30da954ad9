// From operators to stages. A stage is a chain of local operators that each strip runs through while it is in
// cache; it ends where pixels must meet: at a statistic, a whole-frame operator, or the result. Pure
// functions: nothing here touches pixels, so the same code runs, explains and simulates.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ops/catalog.hpp"

namespace tessera {

/// Pixels that a rank holds where it could also do without.
constexpr std::int64_t default_max_held_bytes = std::int64_t{256} << 20;
/// What a rank is sent at a time of a source that only the root can read: enough work between two meetings of
/// the ranks, and soon enough the first.
constexpr std::int64_t fed_bytes = std::int64_t{16} << 20;

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
  /// The stage ends here only to make ghost rows fewer: it may as well run in one with the next, where its
  /// result would be too much to hold.
  bool joins_next = false;
};

struct Plan {
  ImageInfo in;
  ImageInfo out;
  std::vector<Stage> stages;  ///< at least one; the last has no statistic
};

/// Whether the link reads rows from beyond the other edge of the image.
[[nodiscard]] bool wraps_rows(const ChainLink& link);

/// Composites are expanded, gray-only operators get a grayscale before them, and the chain is cut where it
/// must be. Throws Error(bad_parameter, unsupported_input, limit_exceeded) if an operator cannot take what
/// reaches it.
[[nodiscard]] Plan make_plan(const std::vector<Operator>& operators, const ImageInfo& in);

/// Which rows each link of a chain must produce for `rows` of the stage's output, and what of the stage's
/// input that takes. `input` may reach outside the image only when the first link wraps around; links[i] are
/// rows of chain[i].out.
struct StripNeeds {
  std::vector<Interval> links;
  Rect input;
};
[[nodiscard]] StripNeeds strip_needs(const std::vector<ChainLink>& chain, const ImageInfo& in,
                                     const Interval& rows);

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
/// What a strip of `rows` in the middle of the stage's result reads.
[[nodiscard]] std::int64_t strip_input_bytes(const Stage& stage, std::int64_t rows);

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
  std::int64_t max_held_bytes = default_max_held_bytes;
};
[[nodiscard]] Estimate estimate(const Plan& plan, const EstimateOptions& options);

}  // namespace tessera
