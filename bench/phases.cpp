// SPDX-License-Identifier: Apache-2.0
// phases PIPELINE IN OUT: Tessera's phases one at a time, each with two threads and all its pixels in memory,
// as JSON: seconds and seconds of CPU to read IN, seconds to run PIPELINE on its pixels, and to write the
// result to OUT. A program that overlapped the three without loss would take what the floor of bench/compare
// says.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <future>
#include <mutex>

#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "comm/communicator.hpp"
#include "engine/run.hpp"
#include "plan/pipeline.hpp"

namespace {

using namespace tessera;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class MemorySource final : public Source {
 public:
  MemorySource(const Tile& whole, const ImageInfo& info) : whole_(whole), info_(info) {}
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  void read_rows(Tile& out) override { copy_overlap(whole_, out); }

 private:
  const Tile& whole_;
  ImageInfo info_;
  Metadata metadata_;
};

/// Keeps nothing: what is left is the kernels and the engine.
class NoSink final : public Sink {
 public:
  explicit NoSink(std::int64_t piece_rows) : piece_rows_(piece_rows) {}
  std::int64_t piece_rows() const override { return piece_rows_; }
  EncodedPiece encode(const Tile&) const override { return {}; }
  void append(const EncodedPiece&) override {}
  void finish() override {}

 private:
  std::int64_t piece_rows_;
};

/// Copies the raw pixels that it is given to encode.
class KeepingSink final : public Sink {
 public:
  KeepingSink(Tile& whole, std::int64_t piece_rows) : whole_(whole), piece_rows_(piece_rows) {}
  std::int64_t piece_rows() const override { return piece_rows_; }
  EncodedPiece encode(const Tile& piece) const override {
    copy_overlap(piece, whole_);
    return {};
  }
  void append(const EncodedPiece&) override {}
  void finish() override {}

 private:
  Tile& whole_;
  std::int64_t piece_rows_;
};

double run(const Plan& plan, Source& source, Sink& sink) {
  const auto comm = make_solo();
  RunOptions options;
  options.threads = 2;
  const auto begin = std::chrono::steady_clock::now();
  run_plan(plan, &source, sink, *comm, options);
  return seconds_since(begin);
}

struct ReadingTimes {
  double seconds = 0;
  double cpu_seconds = 0;
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Rows into one small buffer of each of two threads again and again, as the engine reads them: begun in
/// turn, finished side by side.
ReadingTimes read_alone(const char* name) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  const auto source = open_image(std::filesystem::path(name));
  const ImageInfo info = source->info();
  constexpr std::int64_t rows_at_once = 64;
  std::mutex turn;
  std::int64_t next_row = 0;
  const auto read = [&] {
    const Tile buffer = Tile::allocate(Rect::of_rows({0, rows_at_once}, info.extent.width), info.format);
    for (;;) {
      Tile part;
      std::unique_ptr<DeferredRows> rest;
      {
        const std::scoped_lock lock(turn);
        if (next_row >= info.extent.height) {
          return;
        }
        Tile rows = buffer;
        rows.rect = Rect::of_rows({next_row, next_row + rows_at_once}, info.extent.width);
        next_row = std::min(info.extent.height, next_row + rows_at_once);
        part = rows.view(Rect::of_rows({rows.rect.y, next_row}, info.extent.width));
        rest = source->read_rows_deferred(part);
      }
      if (rest) {
        rest->finish(part);
      }
    }
  };
  auto other = std::async(std::launch::async, read);
  read();
  other.get();
  return {seconds_since(begin), cpu_seconds() - cpu_before};
}

void measure(const char* pipeline, const char* in, const char* out) {
  const ReadingTimes read = read_alone(in);
  const auto file = open_image(std::filesystem::path(in));
  const ImageInfo info = file->info();
  Tile pixels = Tile::allocate(Rect::of_rows({0, info.extent.height}, info.extent.width), info.format);
  file->read_rows(pixels);
  MemorySource source(pixels, info);
  const Plan plan = make_plan(build_pipeline(parse_pipeline(pipeline)), info);
  WriteOptions write_options;
  write_options.format = format_from_extension(std::filesystem::path(out).extension().string()).value();
  const auto sink = open_sink(out, plan.out, {}, write_options);
  Tile result =
      Tile::allocate(Rect::of_rows({0, plan.out.extent.height}, plan.out.extent.width), plan.out.format);
  KeepingSink keeping(result, sink->piece_rows());
  run(plan, source, keeping);
  NoSink nowhere(sink->piece_rows());
  const double process = run(plan, source, nowhere);
  MemorySource made(result, plan.out);
  const double write = run(make_plan({}, plan.out), made, *sink);
  std::printf("{\"read\": %.4f, \"read_cpu\": %.4f, \"process\": %.4f, \"write\": %.4f}\n", read.seconds,
              read.cpu_seconds, process, write);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "Usage: phases PIPELINE IN OUT\n");
    return 2;
  }
  try {
    measure(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "phases: %s\n", error.what());
    return 1;
  }
  return 0;
}
