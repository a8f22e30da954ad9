// SPDX-License-Identifier: Apache-2.0
// What an operator may be. An operator is a plain struct with parameters; which of these concepts it
// satisfies tells the engine how to place it. Nothing here knows ranks, threads or files.
//
// clang-format off
//   kind          | the struct offers                                           | the engine does
//   --------------|-------------------------------------------------------------|------------------------------
//   pointwise     | run(in, out)                                                | fuses it
//   neighbourhood | halo(), border, border_value, run(in, out)                  | fills ghost pixels, fuses it
//   geometry      | result_extent(in), needs(out, in), run(in, out, region)     | fetches what each piece needs
//   statistic     | slots(), merge, map(tile, slots, region), finish(slots, ..) | merges over all pieces, then
//                 |                                                             | runs the operator of finish()
//   whole-frame   | run(frame, in, out), alpha_rule                             | hands it the band and the ranks
//   composite     | expand()                                                    | runs those in its place
// clang-format on
//
// Any run() may take a trailing `const Region&` when it needs to know where in the image it works.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <span>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/bytes.hpp"
#include "comm/merge.hpp"
#include "image/image.hpp"
#include "schema/param.hpp"

namespace tessera {

/// What everyone is told about an operator: command line, HTTP schema, desktop, documentation.
struct OperatorInfo {
  std::string_view name;   ///< kebab-case, as users write it
  std::string_view group;  ///< "Colour", "Blur and denoise", "Sharpen", "Edges and features", ...
  std::string_view doc;    ///< one or two sentences: what it does to a picture
  std::string_view
      definition;  ///< the exact mathematics and its source, usually the OpenCV function and flags it equals
  std::string_view example;  ///< a pipeline text using it
  int version = 1;           ///< raised whenever the same parameters would give other bytes
  bool gray_only = false;    ///< RGB input is turned to gray (operator grayscale) first
  /// Largest difference, in levels of the image's own depth, from the reference named in `definition`; with
  /// its reason.
  double tolerance = 0;
  std::string_view tolerance_reason = {};
};

/// What lies outside the image, for neighbourhood operators. gfedcb|abcdefgh|gfedcba,
/// aaaaaa|abcdefgh|hhhhhhh, a fixed value, cdefgh|abcdefgh|abcdefg. Names and meaning are cv::BorderTypes'.
enum class Border : std::uint8_t { reflect101, replicate, constant, wrap };

template <>
struct EnumNames<Border> {
  static constexpr std::array names{std::pair{Border::reflect101, std::string_view("reflect101")},
                                    std::pair{Border::replicate, std::string_view("replicate")},
                                    std::pair{Border::constant, std::string_view("constant")},
                                    std::pair{Border::wrap, std::string_view("wrap")}};
};

/// The base of every neighbourhood operator; append border_params<Op>() to its params with std::tuple_cat.
struct Bordered {
  Border border = Border::reflect101;
  double border_value = 0;
};

template <class Op>
constexpr auto border_params() {
  return std::tuple{
      Param<Op, Border>{"border", &Op::border, "What is assumed to lie outside the image.", {}},
      Param<Op, double>{"border-value",
                        &Op::border_value,
                        "Level outside the image when border=constant, in every channel.",
                        {.min = 0, .max = 255, .slider_min = 0, .slider_max = 255, .unit = "level"}}};
}

/// Where a kernel works. All rectangles are in the coordinates of the operator's own whole image: `in` may
/// reach outside it for neighbourhood operators, whose ghost pixels the engine has filled.
struct Region {
  ImageInfo image;  ///< the operator's input as a whole
  Rect in;          ///< what the kernel's input covers
  Rect out;  ///< the pixels of the kernel's output that are kept (for pointwise and geometry: all of them)
  bool alpha = false;  ///< geometry only: this call moves the alpha plane
  /// Where an operator with finding_columns appends its findings within `out`, row-major, one number per
  /// column.
  std::vector<double>* findings = nullptr;
  /// A kernel that takes long looks at it as it goes (ops/slices.hpp), and throws Error(cancelled).
  std::stop_token stop = {};
  /// For operators with reads_alpha and for statistics: the alpha plane over `in`. Null where the image has
  /// none, and where all of it is opaque; the result may not depend on which of the two ways that is told.
  const cv::Mat* transparency = nullptr;
};

/// What an operator does where pixels are transparent. A pixel whose alpha is 0 has no colour: what is stored
/// there changes no visible pixel of the result, no statistic and no finding. Operators whose result would
/// otherwise depend on it say by which rule it does not (`static constexpr AlphaRule alpha_rule`).
enum class AlphaRule : std::uint8_t {
  carried,       ///< pointwise: every pixel by itself; alpha is passed on
  moved,         ///< geometry: alpha moves with the colour
  weighed,       ///< colours are weighed by alpha, which is interpolated like them; the operator reads_alpha
  window,        ///< a pixel of the window counts by its alpha; alpha is passed on; the operator reads_alpha
  surroundings,  ///< transparent pixels take the mean of the visible ones within the halo
                 ///< (ops/alpha/fill.hpp)
  uncounted,     ///< statistics leave transparent pixels out; they are given Region::transparency
  mean,          ///< transparent pixels take the mean colour of all visible ones
  background,    ///< transparent pixels are 0
};

/// All that a whole-frame operator sees of the group of ranks that holds the image in bands of rows. Every
/// member but parallel_for is collective: all ranks call it in the same order.
class Frame {
 public:
  virtual ~Frame() = default;
  [[nodiscard]] virtual const ImageInfo& image() const = 0;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int ranks() const = 0;
  /// Rows of the image that `rank` holds: contiguous from top to bottom in rank order, possibly empty.
  [[nodiscard]] virtual Interval rows(int rank) const = 0;
  /// Calls body(i) for 0 <= i < count on the rank's threads and returns when all are done. Not collective.
  /// Throws what body threw, or Error(cancelled) once a stop is asked for; neither is to be caught.
  virtual void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) = 0;
  /// Replaces the slots on every rank by their merge over all ranks.
  virtual void all_reduce(std::span<std::uint64_t> slots, Merge merge) = 0;
  /// Every rank's bytes, in rank order, on every rank.
  [[nodiscard]] virtual std::vector<Bytes> all_gather(Bytes mine) = 0;
  /// Element r goes to rank r; element r of the result came from rank r.
  [[nodiscard]] virtual std::vector<Bytes> all_to_all(std::vector<Bytes> outgoing) = 0;
  /// `band` (this rank's rows, full width) grown by the halo: ghost rows from whichever ranks hold them,
  /// ghost pixels outside the image by the border rule. On a rank with no rows the result is empty.
  [[nodiscard]] virtual Tile with_halo(const Tile& band, const Halo& halo, Border border,
                                       double border_value) = 0;
  /// Adds findings (see Region::findings) to the operator's list. Only what rank 0 reports is kept.
  virtual void report(std::span<const double> values) = 0;
};

/// What a whole-frame operator takes on one rank: bytes of memory beside its input and output, and of messages. What
/// depends on the pixels is left out. An estimate.
struct FrameCost {
  std::int64_t memory = 0;
  std::int64_t sent = 0;
  std::int64_t received = 0;
};

/// Opens an image that an operator names as a parameter (a watermark), decoded whole.
using ImageLoader = std::function<Tile(const std::string& name)>;

namespace kinds_detail {
template <class Op>
concept RunsPlain = requires(const Op op, const cv::Mat& in, cv::Mat& out) {
  op.run(in, out);
};
template <class Op>
concept RunsInRegion = requires(const Op op, const cv::Mat& in, cv::Mat& out, const Region& region) {
  op.run(in, out, region);
};
template <class Op>
concept RunsLocally = RunsPlain<Op> || RunsInRegion<Op>;
template <class Op>
concept HasHalo = requires(const Op op) {
  { op.halo() } -> std::convertible_to<Halo>;
};
}  // namespace kinds_detail

/// Optional for every local kind and for statistics: `std::int64_t working_bytes(const ImageInfo& in, const Rect& part)
/// const`, where run() holds more than a few rows beside its input and output. Optional for whole-frame operators:
/// `FrameCost cost(...) const`. See ops/operator.hpp.
///
/// Optional for every local kind: `PixelFormat result_format(const PixelFormat& in) const` (default:
/// unchanged; throws Error for a format it cannot take), and `static constexpr bool reads_alpha = true` if
/// run() looks at Region::transparency.
template <class Op>
concept Geometry = kinds_detail::RunsInRegion<Op> && requires(const Op op, Extent in, Rect out) {
  { op.result_extent(in) } -> std::convertible_to<Extent>;
  { op.needs(out, in) } -> std::convertible_to<Rect>;
};

/// `in` and `out` have the same size, halo included; only the part `halo` away from the edges of `out` is
/// kept. halo() may instead be halo(const ImageInfo&) when it depends on the format.
template <class Op>
concept Neighbourhood = kinds_detail::RunsLocally<Op> && std::derived_from<Op, Bordered> &&
                        (kinds_detail::HasHalo<Op> ||
                         requires(const Op op, const ImageInfo& info) { op.halo(info); }) &&
                        !Geometry<Op>;

/// `in` and `out` may be the same matrix. Every local kind may offer `bind(const ImageInfo&)`: a local
/// operator that does the same, prepared for one size and format of picture; it is made once a run.
template <class Op>
concept Pointwise =
    kinds_detail::RunsLocally<Op> && !Neighbourhood<Op> && !Geometry<Op> && !kinds_detail::HasHalo<Op>;

template <class Op>
concept Local = Pointwise<Op> || Neighbourhood<Op> || Geometry<Op>;

/// Optional: halo() with Bordered as base (the tile given to map then has ghost pixels; region.out is what to
/// count), `Halo applied_halo() const` if what finish() returns is a neighbourhood operator, and `PixelFormat
/// result_format(const PixelFormat&) const`, which must say what finish()'s operator will.
template <class Op>
concept Statistic = requires(const Op op, const ImageInfo& info, const cv::Mat& tile,
                             std::span<std::uint64_t> slots, std::span<const std::uint64_t> merged,
                             const Region& region) {
  { op.slots(info) } -> std::convertible_to<std::size_t>;
  { Op::merge } -> std::convertible_to<Merge>;
  op.map(tile, slots, region);
  {op.finish(merged, info)};
}
&&Local<std::remove_cvref_t<decltype(std::declval<const Op&>().finish({}, {}))>>;

/// `out` is allocated: this rank's rows in result_format. Alpha is carried by the engine. With
/// `Op::in_place`, which says that all of `in` is looked at before any of `out` is written, they may be the
/// same pixels. Its alpha_rule is surroundings (then it offers `Halo alpha_halo() const`, as far as it looks
/// around), mean or background; `in` comes accordingly.
template <class Op>
concept WholeFrame = requires(const Op op, Frame& frame, const Tile& in, Tile& out) {
  op.run(frame, in, out);
  { Op::alpha_rule } -> std::convertible_to<AlphaRule>;
};

/// The rule an operator declares, or that of its kind.
template <class Op>
constexpr AlphaRule alpha_rule_of() {
  if constexpr (requires { Op::alpha_rule; }) {
    return Op::alpha_rule;
  } else if constexpr (Statistic<Op>) {
    return AlphaRule::uncounted;
  } else if constexpr (Geometry<Op>) {
    return AlphaRule::moved;
  } else if constexpr (Neighbourhood<Op>) {
    return AlphaRule::surroundings;
  } else {
    return AlphaRule::carried;
  }
}

}  // namespace tessera
