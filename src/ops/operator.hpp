// SPDX-License-Identifier: Apache-2.0
// Operators with their types erased: what a plan is made of and what the engine calls.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "ops/kinds.hpp"

namespace tessera {

enum class LocalKind : std::uint8_t { pointwise, neighbourhood, geometry };

/// A pointwise, neighbourhood or geometry operator with its parameters fixed.
class LocalOp {
 public:
  virtual ~LocalOp() = default;
  [[nodiscard]] virtual LocalKind kind() const = 0;
  /// What comes out when `in` goes in. Throws Error for a format or extent the operator cannot take.
  [[nodiscard]] virtual ImageInfo result(const ImageInfo& in) const = 0;
  [[nodiscard]] virtual Halo halo(const ImageInfo& in) const = 0;  ///< none unless neighbourhood
  [[nodiscard]] virtual Border border() const = 0;
  [[nodiscard]] virtual double border_value() const = 0;
  /// The pixels of the input that `out` is made of; may reach outside the image for a neighbourhood.
  [[nodiscard]] virtual Rect needs(const Rect& out, const ImageInfo& in) const = 0;
  /// True for a geometry operator whose rows of output need columns of input (a quarter turn).
  [[nodiscard]] virtual bool crosses_rows() const = 0;
  /// Whether run() looks at Region::transparency.
  [[nodiscard]] virtual bool reads_alpha() const = 0;
  virtual void run(const cv::Mat& in, cv::Mat& out, const Region& region) const = 0;
  /// Bytes of memory that run() takes beside its input, which covers `part`, and its output. An estimate.
  [[nodiscard]] virtual std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const = 0;
  [[nodiscard]] virtual std::vector<std::string> finding_columns() const = 0;
  /// The same operator, prepared for one size and format of picture; null if there is nothing to prepare.
  [[nodiscard]] virtual std::shared_ptr<const LocalOp> bound(const ImageInfo& in) const = 0;
};

class StatisticOp {
 public:
  virtual ~StatisticOp() = default;
  [[nodiscard]] virtual PixelFormat result_format(const PixelFormat& in) const = 0;
  [[nodiscard]] virtual Halo halo(const ImageInfo& in) const = 0;  ///< that map() needs
  [[nodiscard]] virtual Halo applied_halo(const ImageInfo& in) const = 0;
  [[nodiscard]] virtual Border border() const = 0;
  [[nodiscard]] virtual double border_value() const = 0;
  [[nodiscard]] virtual std::size_t slots(const ImageInfo& in) const = 0;
  [[nodiscard]] virtual Merge merge() const = 0;
  virtual void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const = 0;
  [[nodiscard]] virtual std::shared_ptr<const LocalOp> finish(std::span<const std::uint64_t> slots,
                                                              const ImageInfo& in) const = 0;
  /// As LocalOp has it; of map(), or of the operator that finish() returns, whichever takes more.
  [[nodiscard]] virtual std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const = 0;
  /// Of the operator that finish() returns.
  [[nodiscard]] virtual std::vector<std::string> finding_columns() const = 0;
};

class WholeFrameOp {
 public:
  virtual ~WholeFrameOp() = default;
  [[nodiscard]] virtual PixelFormat result_format(const PixelFormat& in) const = 0;
  virtual void run(Frame& frame, const Tile& in, Tile& out) const = 0;
  /// On rank `rank` of those that hold `rows` of `image` each, with `threads` threads.
  [[nodiscard]] virtual FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                                       int threads) const = 0;
  /// Whether `in` and `out` may be the same pixels.
  [[nodiscard]] virtual bool in_place() const { return false; }
  [[nodiscard]] virtual AlphaRule alpha_rule() const = 0;
  [[nodiscard]] virtual Halo alpha_halo() const { return {}; }  ///< for AlphaRule::surroundings
  [[nodiscard]] virtual std::vector<std::string> finding_columns() const = 0;
};

/// An operator of the catalogue with its parameters: immutable, cheap to copy.
struct Operator {
  using Parts = std::vector<Operator>;
  const OperatorInfo* info = nullptr;
  Json parameters;  ///< all of them, defaults filled in
  std::variant<std::shared_ptr<const LocalOp>, std::shared_ptr<const StatisticOp>,
               std::shared_ptr<const WholeFrameOp>, Parts>
      body;
};

template <class Op>
Operator make_operator(Op op);

namespace erased {

template <class Op>
PixelFormat result_format(const Op& op, const PixelFormat& in) {
  if constexpr (requires { op.result_format(in); }) {
    return op.result_format(in);
  } else {
    return in;
  }
}

template <class Op>
Halo halo(const Op& op, const ImageInfo& in) {
  Halo result;
  if constexpr (requires { op.halo(in); }) {
    result = op.halo(in);
  } else if constexpr (requires { op.halo(); }) {
    result = op.halo();
  }
  // As deep above as below: a ghost row outside the image mirrors a row that lies as far inside, and a strip
  // at the image's edge must have fetched that one too.
  result.top = result.bottom = std::max(result.top, result.bottom);
  return result;
}

template <class Op>
Border border(const Op& op) {
  if constexpr (std::derived_from<Op, Bordered>) {
    return op.border;
  } else {
    return Border::reflect101;
  }
}

template <class Op>
double border_value(const Op& op) {
  if constexpr (std::derived_from<Op, Bordered>) {
    return op.border_value;
  } else {
    return 0;
  }
}

template <class Op>
std::int64_t working_bytes(const Op& op, const ImageInfo& in, const Rect& part) {
  if constexpr (requires { op.working_bytes(in, part); }) {
    return op.working_bytes(in, part);
  } else {
    static_cast<void>(in);
    static_cast<void>(part);
    return 0;
  }
}

template <class Op>
std::vector<std::string> finding_columns() {
  std::vector<std::string> columns;
  if constexpr (requires { Op::finding_columns; }) {
    for (const auto& column : Op::finding_columns) {
      columns.emplace_back(column);
    }
  }
  return columns;
}

template <Local Op>
class LocalModel final : public LocalOp {
 public:
  explicit LocalModel(Op op) : op_(std::move(op)) {}
  LocalKind kind() const override {
    return Geometry<Op>        ? LocalKind::geometry
           : Neighbourhood<Op> ? LocalKind::neighbourhood
                               : LocalKind::pointwise;
  }
  ImageInfo result(const ImageInfo& in) const override {
    ImageInfo out{in.extent, result_format(op_, in.format)};
    if constexpr (Geometry<Op>) {
      out.extent = op_.result_extent(in.extent);
    }
    return out;
  }
  Halo halo(const ImageInfo& in) const override { return erased::halo(op_, in); }
  Border border() const override { return erased::border(op_); }
  double border_value() const override { return erased::border_value(op_); }
  Rect needs(const Rect& out, const ImageInfo& in) const override {
    if constexpr (Geometry<Op>) {
      return op_.needs(out, in.extent);
    } else {
      return halo(in).grow(out);
    }
  }
  bool crosses_rows() const override {
    if constexpr (requires { op_.crosses_rows(); }) {
      return op_.crosses_rows();
    } else {
      return false;
    }
  }
  bool reads_alpha() const override {
    if constexpr (requires { Op::reads_alpha; }) {
      return Op::reads_alpha;
    } else {
      return false;
    }
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const override {
    if constexpr (kinds_detail::RunsInRegion<Op>) {
      op_.run(in, out, region);
    } else {
      op_.run(in, out);
    }
  }
  std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const override {
    return erased::working_bytes(op_, in, part);
  }
  std::vector<std::string> finding_columns() const override { return erased::finding_columns<Op>(); }
  std::shared_ptr<const LocalOp> bound(const ImageInfo& in) const override {
    if constexpr (requires { op_.bind(in); }) {
      return std::make_shared<LocalModel<decltype(op_.bind(in))>>(op_.bind(in));
    } else {
      static_cast<void>(in);
      return nullptr;
    }
  }

 private:
  Op op_;
};

template <Statistic Op>
class StatisticModel final : public StatisticOp {
 public:
  explicit StatisticModel(Op op) : op_(std::move(op)) {}
  PixelFormat result_format(const PixelFormat& in) const override { return erased::result_format(op_, in); }
  Halo halo(const ImageInfo& in) const override { return erased::halo(op_, in); }
  Halo applied_halo(const ImageInfo& in) const override {
    if constexpr (requires { op_.applied_halo(); }) {
      return op_.applied_halo();
    } else {
      static_cast<void>(in);
      return {};
    }
  }
  Border border() const override { return erased::border(op_); }
  double border_value() const override { return erased::border_value(op_); }
  std::size_t slots(const ImageInfo& in) const override { return op_.slots(in); }
  Merge merge() const override { return Op::merge; }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const override {
    op_.map(tile, slots, region);
  }
  std::shared_ptr<const LocalOp> finish(std::span<const std::uint64_t> slots,
                                        const ImageInfo& in) const override {
    auto bound = op_.finish(slots, in);
    return std::make_shared<LocalModel<decltype(bound)>>(std::move(bound));
  }
  std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const override {
    return erased::working_bytes(op_, in, part);
  }
  std::vector<std::string> finding_columns() const override {
    return erased::finding_columns<std::remove_cvref_t<decltype(op_.finish({}, {}))>>();
  }

 private:
  Op op_;
};

template <WholeFrame Op>
class WholeFrameModel final : public WholeFrameOp {
 public:
  explicit WholeFrameModel(Op op) : op_(std::move(op)) {}
  PixelFormat result_format(const PixelFormat& in) const override { return erased::result_format(op_, in); }
  void run(Frame& frame, const Tile& in, Tile& out) const override { op_.run(frame, in, out); }
  FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                 int threads) const override {
    if constexpr (requires { op_.cost(image, rows, rank, threads); }) {
      return op_.cost(image, rows, rank, threads);
    } else {
      static_cast<void>(image);
      static_cast<void>(rows);
      static_cast<void>(rank);
      static_cast<void>(threads);
      return {};
    }
  }
  bool in_place() const override {
    if constexpr (requires { Op::in_place; }) {
      return Op::in_place;
    } else {
      return false;
    }
  }
  AlphaRule alpha_rule() const override { return Op::alpha_rule; }
  Halo alpha_halo() const override {
    if constexpr (requires { op_.alpha_halo(); }) {
      return op_.alpha_halo();
    } else {
      return {};
    }
  }
  std::vector<std::string> finding_columns() const override { return erased::finding_columns<Op>(); }

 private:
  Op op_;
};

}  // namespace erased

template <class Op>
Operator make_operator(Op op) {
  Operator result{&Op::info, params_to_json(op), {}};
  if constexpr (requires { op.expand(); }) {
    result.body = op.expand();
  } else if constexpr (WholeFrame<Op>) {
    result.body = std::make_shared<const erased::WholeFrameModel<Op>>(std::move(op));
  } else if constexpr (Statistic<Op>) {
    result.body = std::make_shared<const erased::StatisticModel<Op>>(std::move(op));
  } else {
    static_assert(Local<Op>, "an operator satisfies one of the concepts in ops/kinds.hpp");
    result.body = std::make_shared<const erased::LocalModel<Op>>(std::move(op));
  }
  return result;
}

}  // namespace tessera
