// SPDX-License-Identifier: Apache-2.0
// Runs the engine, its planner and its MPI communicator on a simulated cluster (SimGrid's SMPI). Pixels are a
// narrow image; computing, reading, encoding and messages are charged as for one `--widening` times as wide,
// with costs that `calibrate` has measured. Prints one line of JSON.
#include <fmt/format.h>
#include <smpi/smpi.h>

#include <CLI/CLI.hpp>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <simgrid/s4u.hpp>

#include "comm/mpi.hpp"
#include "engine/run.hpp"
#include "observed_plan.hpp"
#include "plan/pipeline.hpp"
#include "wide_communicator.hpp"

namespace {

using namespace tessera;
namespace sg = simgrid::s4u;

struct Study {
  nlohmann::json costs;
  std::string pipeline;
  std::string platform;
  Extent extent{318, 314'465};
  int widening = 1000;
  int hosts = 1;
  int cores = 16;
  bool storage = false;
  double source_bytes_per_px = 3;
  double result_bytes_per_px = 0;  ///< 0: as calibrated
  std::int64_t max_held_bytes = default_max_held_bytes;
  void* nothing = nullptr;  ///< memory that all simulated ranks may write
};

/// A rank's work that its clock has not been moved by yet: few long steps are simulated sooner than many
/// short.
class Work {
 public:
  /// `factors` of parts that do more than they are told of.
  Work(const Study& study, std::map<std::string, double> factors)
      : study_(study), factors_(std::move(factors)) {}
  /// What the host's processors do for this many pixels in memory.
  void add(const std::string& part, std::int64_t pixels) {
    const double ns = study_.costs.at("ns_per_px").at(part).get<double>();
    const auto factor = factors_.find(part);
    owed_seconds_ += (factor == factors_.end() ? 1 : factor->second) * ns * 1e-9 *
                     static_cast<double>(pixels) * study_.widening / study_.cores;
  }
  /// Moves the clock.
  void settle() {
    if (owed_seconds_ > 0) {
      smpi_execute(owed_seconds_);
      owed_seconds_ = 0;
    }
  }

 private:
  const Study& study_;
  std::map<std::string, double> factors_;
  double owed_seconds_ = 0;
};

/// Of a rank: requests of its strips, and pieces that wait to be written, in the page cache or as parts.
constexpr double read_bytes = 64e6;
constexpr std::size_t writes_behind = 128;

/// The wire to the storage.
class Storage {
 public:
  Storage(bool there, Work& work) : host_(there ? sg::Host::by_name("storage") : nullptr), work_(work) {}
  ~Storage() { wait_until_left(0); }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  void begin_read(double bytes) { begin(host_, sg::this_actor::get_host(), bytes); }
  void begin_write(double bytes) { begin(sg::this_actor::get_host(), host_, bytes); }
  void wait_until_left(std::size_t count) {
    while (under_way_.size() > count) {
      under_way_.front()->wait();
      under_way_.pop_front();
    }
  }

 private:
  void begin(sg::Host* from, sg::Host* to, double bytes) {
    if (host_ != nullptr) {
      work_.settle();
      under_way_.push_back(sg::Comm::sendto_async(from, to, static_cast<std::uint64_t>(bytes)));
    }
  }
  sg::Host* host_;
  Work& work_;
  std::deque<sg::CommPtr> under_way_;
};

class SimulatedSource final : public Source {
 public:
  SimulatedSource(const Study& study, Work& work)
      : study_(study), work_(work), info_{study.extent, {}}, storage_(study.storage, work) {}
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  /// The rows of several ranks' next panel are fetched while they work on one.
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    if (study_.hosts > 1) {
      announced_.push_back(rows);
      max_rows_ahead_ = max_bytes / info_.row_bytes();
    }
  }
  /// Waits for the rows. One rank's threads take strip after strip, so that some read while others work; in a panel of
  /// several ranks each thread has one strip, and waits for it.
  void read_rows(Tile& out) override {
    const std::int64_t pixels = out.rect.width * out.rect.height;
    if (study_.hosts == 1) {
      storage_.begin_read(bytes_of(out.rect.height));
      storage_.wait_until_left(1);
    } else {
      begin_reads({std::max(out.rect.y, asked_to_), out.rect.rows().end});
      while (!coming_.empty() && coming_.front() < out.rect.rows().end) {
        coming_.pop_front();
      }
      storage_.wait_until_left(coming_.size());
      fetch_ahead();
    }
    work_.add("moving", pixels);
  }
  /// The second pass of a statistic begins again at the top.
  void rewind() override {
    asked_to_ = 0;
    announced_.clear();
  }

 private:
  [[nodiscard]] double bytes_of(std::int64_t rows) const {
    return static_cast<double>(rows * info_.extent.width * study_.widening) * study_.source_bytes_per_px;
  }
  /// Of one request.
  [[nodiscard]] std::int64_t request_rows() const {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(read_bytes / bytes_of(1)));
  }
  /// In order: what was announced comes after the rows that were waited for.
  void fetch_ahead() {
    while (!announced_.empty()) {
      Interval& next = announced_.front();
      next.begin = std::max(next.begin, asked_to_);
      const std::int64_t room = max_rows_ahead_ - std::ssize(coming_) * request_rows();
      if (!next.empty() && room <= 0) {
        return;
      }
      begin_reads({next.begin, std::min(next.end, next.begin + room)});
      next.begin = std::max(next.begin, asked_to_);
      if (next.empty()) {
        announced_.pop_front();
      }
    }
  }
  void begin_reads(const Interval& rows) {
    const std::int64_t step = request_rows();
    for (std::int64_t y = rows.begin; y < rows.end; y += step) {
      const std::int64_t end = std::min(rows.end, y + step);
      storage_.begin_read(bytes_of(end - y));
      coming_.push_back(y);
      asked_to_ = end;
    }
  }

  const Study& study_;
  Work& work_;
  ImageInfo info_;
  Metadata metadata_;
  Storage storage_;
  std::deque<Interval> announced_;
  std::int64_t max_rows_ahead_ = 0;
  std::int64_t asked_to_ = 0;        ///< rows above it have been asked for
  std::deque<std::int64_t> coming_;  ///< first row of each request that has not been waited for
};

/// Pieces as PNG makes them at the full width, though their bodies are as short as the narrow image's. Each rank writes
/// its own into the storage, while the next panel is made. Without storage the result stays on the ranks that made it.
class SimulatedSink final : public Sink, private SharedOutput {
 public:
  SimulatedSink(const Study& study, Work& work) : study_(study), work_(work), storage_(study.storage, work) {}
  std::int64_t piece_rows() const override { return 16; }
  EncodedPiece encode(const Tile& piece) const override {
    if (!study_.storage) {
      return {};
    }
    const std::int64_t pixels = piece.rect.width * piece.rect.height;
    work_.add("encode", pixels);
    const double bytes_per_px = study_.result_bytes_per_px > 0
                                    ? study_.result_bytes_per_px
                                    : study_.costs.at("encoded_bytes_per_px").get<double>();
    // Sizes, and the checksums that the root combines.
    return {Bytes(static_cast<std::size_t>(static_cast<double>(pixels) * bytes_per_px)), Bytes(16)};
  }
  void append(const EncodedPiece& piece) override {
    storage_.begin_write(true_bytes(piece.body.size()));
    storage_.wait_until_left(writes_behind);
    position_ += std::ssize(piece.body);
  }
  void skip(std::span<const std::byte>, std::int64_t body_bytes) override { position_ += body_bytes; }
  void finish() override {}
  SharedOutput* shared() override { return this; }

  /// Until all of the result is written.
  void wait() { storage_.wait_until_left(0); }

 private:
  [[nodiscard]] double true_bytes(std::size_t bytes) const {
    return static_cast<double>(bytes) * study_.widening;
  }
  std::string invite(bool) override { return "here"; }
  bool join(const std::string&) override { return true; }
  void end_invitation() override {}
  std::int64_t position() const override { return position_; }
  /// One call of flush() ends the pieces of a panel, which go while the next one is made.
  bool takes_long() const override { return false; }
  void write_at(std::int64_t, const EncodedPiece& piece) override {
    panel_bytes_ += true_bytes(piece.body.size());
  }
  void flush() override {
    storage_.wait_until_left(0);
    storage_.begin_write(std::exchange(panel_bytes_, 0));
  }

  const Study& study_;
  Work& work_;
  Storage storage_;
  std::int64_t position_ = 0;
  double panel_bytes_ = 0;
};

/// None that binds.
constexpr PlanLimits limits{std::int64_t{1} << 50, std::int64_t{1} << 40};

/// Strips are as high as the planner makes them at the full width, where ghost rows and the size of rows decide. On
/// several ranks one strip stands for those that the host's cores work on side by side.
struct Strips {
  std::int64_t rows = 0;
  /// Of each operator: what the ghost rows that many strips make of its result, for the next operators, add to the work,
  /// which has those of one. (The source's rows are shared by the strips of a rank.)
  std::map<std::string, double> work_factors;
};

Strips strips_of(const Study& study) {
  const Extent wide{study.extent.width * study.widening, study.extent.height};
  const Plan plan = make_plan(build_pipeline(parse_pipeline(study.pipeline)), {wide, {}}, limits);
  const Stage& stage = plan.stages.front();
  const std::int64_t rows = suggest_strip_rows(stage);
  const std::int64_t together = study.hosts == 1 ? rows : rows * study.cores;
  const auto made_for_a_row = [&](std::size_t link, std::int64_t count) {
    const Interval middle{stage.out.extent.height / 2, stage.out.extent.height / 2 + count};
    return static_cast<double>(strip_needs(stage.chain, stage.in, middle).links[link].size()) /
           static_cast<double>(count);
  };
  Strips strips{together, {}};
  for (std::size_t link = 0; link < stage.chain.size(); ++link) {
    strips.work_factors[stage.chain[link].name] = made_for_a_row(link, rows) / made_for_a_row(link, together);
  }
  return strips;
}

void run_rank(Study& study, nlohmann::json& result) {
  const Strips strips = strips_of(study);
  Work work(study, strips.work_factors);
  auto mpi = make_mpi();
  if (study.nothing == nullptr) {
    study.nothing = SMPI_SHARED_MALLOC(scaling::nothing_bytes);
  }
  SimulatedSink sink(study, work);
  const auto comm = scaling::make_wide(std::move(mpi), study.widening, study.nothing, [&] { work.settle(); });
  SimulatedSource source(study, work);
  const Plan plan =
      scaling::observed(make_plan(build_pipeline(parse_pipeline(study.pipeline)), source.info(), limits),
                        [&](const std::string& part, std::int64_t pixels, const std::function<void()>&) {
                          work.add(part, pixels);
                        });
  RunOptions options;
  options.max_held_bytes = study.max_held_bytes / study.widening;
  options.threads = 1;  // The host's processors are in charge()
  options.strip_rows = strips.rows;
  comm->barrier();
  const double start = MPI_Wtime();
  const RunReport report = run_plan(plan, &source, sink, *comm, options);
  sink.wait();
  comm->barrier();
  if (comm->root()) {
    result["seconds"] = MPI_Wtime() - start;
    std::int64_t sent = 0;
    for (const RankReport& rank : report.ranks) {
      sent += rank.sent_bytes;
    }
    result["strip_rows"] = options.strip_rows;
    for (const StageReport& stage : report.stages) {
      result["stages"].push_back({{"name", stage.name}, {"strips", report.ranks.front().strips}});
    }
    result["panels"] = report.ranks.front().bands;
    result["sent_bytes"] = sent;
  }
}

int simulate(int argc, char** argv) {
  Study study;
  std::string costs_file;
  CLI::App app("Simulates a run of the engine on a cluster.");
  app.add_option("pipeline", study.pipeline)->required();
  app.add_option("--costs", costs_file)->required();
  app.add_option("--platform", study.platform)->required();
  app.add_option("--width", study.extent.width, "In memory");
  app.add_option("--height", study.extent.height);
  app.add_option("--widening", study.widening);
  app.add_option("--hosts", study.hosts);
  app.add_option("--cores", study.cores, "Of a host, all of them used by its rank");
  app.add_option("--max-held", study.max_held_bytes);
  app.add_option("--result-bytes", study.result_bytes_per_px, "Of the encoded result, a pixel");
  app.add_flag("--storage", study.storage, "Read from and write to the platform's host 'storage'");
  CLI11_PARSE(app, argc, argv);
  std::ifstream(costs_file) >> study.costs;

  sg::Engine::get_instance()->load_platform(study.platform);
  nlohmann::json result{{"hosts", study.hosts}, {"cores", study.cores}, {"storage", study.storage}};
  SMPI_app_instance_register("tessera", nullptr, study.hosts);
  for (int rank = 0; rank < study.hosts; ++rank) {
    const sg::ActorPtr actor =
        sg::Actor::init(fmt::format("rank-{}", rank), sg::Host::by_name(fmt::format("node-{}", rank)));
    actor->set_property("instance_id", "tessera");
    actor->set_property("rank", std::to_string(rank));
    actor->start([&study, &result] { run_rank(study, result); });
  }
  sg::Engine::get_instance()->run();
  SMPI_finalize();
  std::cout << result.dump() << std::endl;
  return result.contains("seconds") ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  sg::Engine engine(&argc, argv);
  // What smpirun would set: the platforms' latencies and bandwidths are those of SMPI's model of a network,
  // while the default one multiplies every latency by 13. The algorithms of collective calls are Open MPI's;
  // all of it must stand before SMPI begins.
  sg::Engine::set_config("network/model:SMPI");
  smpi_init_options();
  // With it, many flows out of a host take bandwidth from those into it far beyond what acknowledgements are.
  sg::Engine::set_config("network/crosstraffic:0");
  sg::Engine::set_config("smpi/coll-selector:ompi");
  // In the place of its k-nomial broadcast, for which SMPI first has every rank tell every other where it
  // runs: with hundreds of ranks that took longer than the image, in simulated time and in real.
  sg::Engine::set_config("smpi/bcast:binomial_tree");
  SMPI_init();
  try {
    return simulate(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "simulate: {}\n", error.what());
    return 1;
  }
}
