// SPDX-License-Identifier: Apache-2.0
#include "observed_plan.hpp"

namespace tessera::scaling {
namespace {

class ObservedLocal final : public LocalOp {
 public:
  ObservedLocal(std::shared_ptr<const LocalOp> op, std::string name, Observer observer)
      : op_(std::move(op)), name_(std::move(name)), observer_(std::move(observer)) {}
  LocalKind kind() const override { return op_->kind(); }
  ImageInfo result(const ImageInfo& in) const override { return op_->result(in); }
  Halo halo(const ImageInfo& in) const override { return op_->halo(in); }
  Border border() const override { return op_->border(); }
  double border_value() const override { return op_->border_value(); }
  Rect needs(const Rect& out, const ImageInfo& in) const override { return op_->needs(out, in); }
  bool crosses_rows() const override { return op_->crosses_rows(); }
  bool reads_alpha() const override { return op_->reads_alpha(); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const override {
    observer_(name_, region.out.width * region.out.height, [&] { op_->run(in, out, region); });
  }
  std::vector<std::string> finding_columns() const override { return op_->finding_columns(); }
  std::shared_ptr<const LocalOp> bound(const ImageInfo& in) const override { return op_->bound(in); }

 private:
  std::shared_ptr<const LocalOp> op_;
  std::string name_;
  Observer observer_;
};

class ObservedStatistic final : public StatisticOp {
 public:
  ObservedStatistic(std::shared_ptr<const StatisticOp> op, std::string name, Observer observer)
      : op_(std::move(op)), name_(std::move(name)), observer_(std::move(observer)) {}
  PixelFormat result_format(const PixelFormat& in) const override { return op_->result_format(in); }
  Halo halo(const ImageInfo& in) const override { return op_->halo(in); }
  Halo applied_halo(const ImageInfo& in) const override { return op_->applied_halo(in); }
  Border border() const override { return op_->border(); }
  double border_value() const override { return op_->border_value(); }
  std::size_t slots(const ImageInfo& in) const override { return op_->slots(in); }
  Merge merge() const override { return op_->merge(); }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const override {
    observer_(name_ + " counted", region.out.width * region.out.height,
              [&] { op_->map(tile, slots, region); });
  }
  std::shared_ptr<const LocalOp> finish(std::span<const std::uint64_t> slots,
                                        const ImageInfo& in) const override {
    return std::make_shared<ObservedLocal>(op_->finish(slots, in), name_, observer_);
  }
  std::vector<std::string> finding_columns() const override { return op_->finding_columns(); }

 private:
  std::shared_ptr<const StatisticOp> op_;
  std::string name_;
  Observer observer_;
};

/// Parallel loops are observed, all that goes to other ranks is passed on.
class ObservedFrame final : public Frame {
 public:
  ObservedFrame(Frame& frame, const std::string& name, const Observer& observer)
      : frame_(frame), name_(name), observer_(observer) {}
  const ImageInfo& image() const override { return frame_.image(); }
  int rank() const override { return frame_.rank(); }
  int ranks() const override { return frame_.ranks(); }
  Interval rows(int rank) const override { return frame_.rows(rank); }
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    const std::int64_t pixels = frame_.rows(frame_.rank()).size() * frame_.image().extent.width;
    observer_(name_ + " " + std::to_string(loop_++ % loops_a_channel), pixels,
              [&] { frame_.parallel_for(count, body); });
  }
  void all_reduce(std::span<std::uint64_t> slots, Merge merge) override { frame_.all_reduce(slots, merge); }
  std::vector<Bytes> all_gather(Bytes mine) override { return frame_.all_gather(std::move(mine)); }
  std::vector<Bytes> all_to_all(std::vector<Bytes> outgoing) override {
    return frame_.all_to_all(std::move(outgoing));
  }
  Tile with_halo(const Tile& band, const Halo& halo, Border border, double border_value) override {
    return frame_.with_halo(band, halo, border, border_value);
  }
  void report(std::span<const double> values) override { frame_.report(values); }

 private:
  /// Of the frequency filters: rows forward, columns, rows back.
  static constexpr int loops_a_channel = 3;
  Frame& frame_;
  const std::string& name_;
  const Observer& observer_;
  int loop_ = 0;
};

class ObservedWholeFrame final : public WholeFrameOp {
 public:
  ObservedWholeFrame(std::shared_ptr<const WholeFrameOp> op, std::string name, Observer observer)
      : op_(std::move(op)), name_(std::move(name)), observer_(std::move(observer)) {}
  PixelFormat result_format(const PixelFormat& in) const override { return op_->result_format(in); }
  AlphaRule alpha_rule() const override { return op_->alpha_rule(); }
  Halo alpha_halo() const override { return op_->alpha_halo(); }
  void run(Frame& frame, const Tile& in, Tile& out) const override {
    ObservedFrame observed(frame, name_, observer_);
    op_->run(observed, in, out);
  }
  std::vector<std::string> finding_columns() const override { return op_->finding_columns(); }

 private:
  std::shared_ptr<const WholeFrameOp> op_;
  std::string name_;
  Observer observer_;
};

}  // namespace

Plan observed(Plan plan, const Observer& observer) {
  for (Stage& stage : plan.stages) {
    for (ChainLink& link : stage.chain) {
      if (link.op) {
        link.op = std::make_shared<ObservedLocal>(link.op, link.name, observer);
      }
    }
    if (stage.statistic) {
      stage.statistic = std::make_shared<ObservedStatistic>(stage.statistic, stage.end_name, observer);
    }
    if (stage.whole_frame) {
      stage.whole_frame = std::make_shared<ObservedWholeFrame>(stage.whole_frame, stage.end_name, observer);
    }
  }
  return plan;
}

}  // namespace tessera::scaling
