// SPDX-License-Identifier: Apache-2.0
// Measures what the operators of a pipeline cost a pixel on this machine, in strips as wide as those of the
// image that is to be simulated, on as many threads as there are processors, and writes it as JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "engine/run.hpp"
#include "observed_plan.hpp"
#include "plan/pipeline.hpp"

namespace {

using namespace tessera;
using Clock = std::chrono::steady_clock;

/// A photograph repeated to the wanted size.
class RepeatedPhoto final : public Source {
 public:
  RepeatedPhoto(const std::string& path, const Extent& extent) {
    const auto photo = open_image(path);
    photo_ = Tile::allocate(Rect::whole(photo->info().extent), photo->info().format);
    photo->read_rows(photo_);
    info_ = {extent, photo->info().format};
  }
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  void read_rows(Tile& out) override {
    for (int row = 0; row < out.color.rows; ++row) {
      const int from = static_cast<int>((out.rect.y + row) % photo_.rect.height);
      for (int x = 0; x < out.color.cols; x += photo_.color.cols) {
        const int count = std::min(photo_.color.cols, out.color.cols - x);
        cv::Mat part = out.color(cv::Rect(x, row, count, 1));
        photo_.color(cv::Rect(0, from, count, 1)).copyTo(part);
      }
    }
  }

 private:
  Tile photo_;
  ImageInfo info_;
  Metadata metadata_;
};

/// Sums of parts of the work, over all threads.
class Ledger {
 public:
  void time(const std::string& part, std::int64_t pixels, const std::function<void()>& work) {
    const auto start = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const std::scoped_lock lock(mutex_);
    parts_[part].seconds += seconds;
    parts_[part].pixels += pixels;
  }
  nlohmann::json ns_per_px(double& seconds, int threads) const {
    nlohmann::json result;
    for (const auto& [name, part] : parts_) {
      // A parallel loop of a whole-frame operator is seen from outside, where it takes all threads at once.
      const double factor = name.find_first_of("0123456789") != std::string::npos ? threads : 1;
      result[name] = factor * part.seconds * 1e9 / static_cast<double>(part.pixels);
      seconds += part.seconds;
    }
    return result;
  }

 private:
  struct Part {
    double seconds = 0;
    std::int64_t pixels = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Part> parts_;
};

/// Encodes PNG and forgets it.
class MeasuredSink final : public Sink {
 public:
  MeasuredSink(const ImageInfo& info, Ledger& ledger) : encoder_(make_encoder(info, {})), ledger_(ledger) {}
  std::int64_t piece_rows() const override { return encoder_->piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override {
    EncodedPiece encoded;
    ledger_.time("encode", piece.rect.width * piece.rect.height, [&] { encoded = encoder_->encode(piece); });
    bytes_ += static_cast<std::int64_t>(encoded.body.size());
    return encoded;
  }
  void append(const EncodedPiece&) override {}
  void finish() override {}
  std::int64_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<Sink> encoder_;
  Ledger& ledger_;
  mutable std::atomic<std::int64_t> bytes_{0};
};

int calibrate(const std::string& pipeline, const std::string& photo, const Extent& extent, int threads) {
  RepeatedPhoto source(photo, extent);
  Ledger ledger;
  const Plan plan = scaling::observed(make_plan(build_pipeline(parse_pipeline(pipeline)), source.info()),
                                      [&](const std::string& part, std::int64_t pixels, const auto& work) {
                                        ledger.time(part, pixels, work);
                                      });
  MeasuredSink sink(plan.out, ledger);
  const auto comm = make_solo();
  RunOptions options;
  options.threads = threads;
  // So that an image with a statistic is gone through twice, as the simulated one is.
  options.max_held_bytes = extent.pixels() / 2;
  const auto start = Clock::now();
  const RunReport report = run_plan(plan, &source, sink, *comm, options);
  const double wall = std::chrono::duration<double>(Clock::now() - start).count();

  double in_parts = 0;
  nlohmann::json json{{"pipeline", pipeline},
                      {"width", extent.width},
                      {"height", extent.height},
                      {"threads", threads},
                      {"seconds", wall}};
  json["ns_per_px"] = ledger.ns_per_px(in_parts, threads);
  const auto pixels = static_cast<double>(extent.pixels());
  const auto passes = static_cast<double>(plan.stages.front().statistic ? 2 : 1);
  // What the engine does beside: fetching rows and moving them.
  json["ns_per_px"]["moving"] =
      std::max(0.0, report.ranks.front().busy_seconds - in_parts) * 1e9 / pixels / passes;
  json["encoded_bytes_per_px"] = static_cast<double>(sink.bytes()) / pixels;
  std::cout << json.dump(1) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the cost of a pipeline's operators.");
  std::string pipeline;
  std::string photo;
  Extent extent{318'000, 1024};
  int threads = 2;
  app.add_option("pipeline", pipeline)->required();
  app.add_option("photo", photo, "An image to repeat")->required();
  app.add_option("--width", extent.width);
  app.add_option("--height", extent.height);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  try {
    return calibrate(pipeline, photo, extent, threads);
  } catch (const std::exception& error) {
    fmt::print(stderr, "calibrate: {}\n", error.what());
    return 1;
  }
}
