// SPDX-License-Identifier: Apache-2.0
// Folders of tiles that several ranks write: every file is the one that a single rank writes.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.hpp"
#include "codec/writer.hpp"
#include "engine/limited_sink.hpp"
#include "engine/memory_io.hpp"
#include "process/process.hpp"
#include "support/errors.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

class TileFolders : public ::testing::Test {
 protected:
  TileFolders() : folder_(fs::temp_directory_path() / fmt::format("tessera-tiles-{}", getpid())) {
    fs::create_directories(folder_);
  }
  ~TileFolders() override { fs::remove_all(folder_); }

  /// All files below `folder`, hidden ones too.
  static Files files_in(const fs::path& folder) {
    Files files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) {
        std::ifstream in(entry.path(), std::ios::binary);
        files[fs::relative(entry.path(), folder)] = {std::istreambuf_iterator<char>(in), {}};
      }
    }
    return files;
  }

  fs::path folder_;
};

/// The sink of a rank that cannot reach the root's folder, or where writing fails.
class FaultySink final : public Sink, public SharedOutput {
 public:
  FaultySink(FileSink& sink, bool reachable, bool writable)
      : sink_(sink), reachable_(reachable), writable_(writable) {}
  std::int64_t piece_rows() const override { return sink_.piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_.encode(piece); }
  void append(const EncodedPiece& piece) override { sink_.append(piece); }
  void skip(std::span<const std::byte> index, std::int64_t bytes) override { sink_.skip(index, bytes); }
  void finish() override { sink_.finish(); }
  SharedOutput* shared() override { return this; }
  std::string invite(bool by_name) override { return sink_.shared()->invite(by_name); }
  bool join(const std::string& invitation) override { return reachable_ && sink_.shared()->join(invitation); }
  void end_invitation() override { sink_.shared()->end_invitation(); }
  std::int64_t position() const override { return sink_.shared()->position(); }
  void write_at(std::int64_t offset, const EncodedPiece& piece) override {
    if (!writable_) {
      throw Error(ErrorCode::io, "Writing failed on host two (No space left on device).");
    }
    sink_.shared()->write_at(offset, piece);
  }
  void flush() override { sink_.shared()->flush(); }

 private:
  FileSink& sink_;
  bool reachable_;
  bool writable_;
};

struct FaultyRun {
  RunReport report;
  std::vector<std::string> failures;  ///< of each rank
};

/// The largest level alone, on four ranks of which one has that fault.
FaultyRun run_faulty(const fs::path& target, FileFormat format, bool reachable, bool writable) {
  constexpr int ranks = 4;
  const Tile image = make_image({{300, 2000}, {Depth::u8, 3, false}}, Pattern::noise, 1);
  FaultyRun result;
  result.failures.resize(ranks);
  run_on_threads(ranks, [&](Communicator& comm) {
    TileSource source(image);
    const Plan plan = make_plan({build_operator("invert", Json::object())}, source.info());
    const WriteOptions write{.format = format,
                             .folder = {.compression = TiffCompression::deflate, .tile_px = 64}};
    const auto sink = comm.root() ? open_sink(target, plan.out, {}, write) : make_encoder(plan.out, write);
    const bool faulty = comm.rank() == 2;
    FaultySink wrapped(*sink, reachable || !faulty, writable || !faulty);
    RunOptions options;
    options.max_held_bytes = 1 << 19;
    try {
      RunReport report = run_plan(plan, &source, wrapped, comm, options);
      if (comm.root()) {
        sink->pyramid()->publish();
        result.report = std::move(report);
      }
    } catch (const Error& error) {
      result.failures[static_cast<std::size_t>(comm.rank())] = error.what();
    }
  });
  return result;
}

TEST_F(TileFolders, AreGatheredWhereOneRankCannotReachThem) {
  for (const auto& [format, made] :
       {std::pair{FileFormat::ome_zarr, ""}, std::pair{FileFormat::deep_zoom, "_files"}}) {
    const std::string extension(format_extension(format));
    const auto name = [&](const char* stem) { return folder_ / fmt::format("{}.{}", stem, extension); };
    const auto tiles = [&](const char* stem) {
      return format == FileFormat::ome_zarr ? name(stem) : folder_ / fmt::format("{}{}", stem, made);
    };
    const FaultyRun reached = run_faulty(name("reached"), format, true, true);
    EXPECT_EQ(reached.report.why_gathered, "");
    EXPECT_GT(reached.report.ranks[3].written_bytes, 0);
    const FaultyRun gathered = run_faulty(name("gathered"), format, false, true);
    EXPECT_NE(gathered.report.why_gathered.find("cannot be written from"), std::string::npos);
    EXPECT_EQ(gathered.report.ranks[3].written_bytes, 0);
    Files one = files_in(tiles("reached"));
    Files other = files_in(tiles("gathered"));
    one.erase(".zattrs");  // has the name of the result
    other.erase(".zattrs");
    EXPECT_GE(one.size(), 5U * 32U);
    EXPECT_TRUE(one == other) << extension;
  }
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with('.')) << entry.path();
  }
}

TEST_F(TileFolders, FailOnEveryRankWhenOneCannotWriteAndLeaveNothing) {
  for (const FileFormat format : {FileFormat::ome_zarr, FileFormat::deep_zoom}) {
    const FaultyRun run =
        run_faulty(folder_ / fmt::format("never.{}", format_extension(format)), format, true, false);
    for (const std::string& failure : run.failures) {
      EXPECT_EQ(failure, "Writing failed on host two (No space left on device).");
    }
    EXPECT_TRUE(fs::is_empty(folder_)) << format_extension(format);
  }
}

TEST_F(TileFolders, CountTheBytesOfAllTheirFiles) {
  const std::string in = folder_ / "in.png";
  {
    const Tile image = make_image({{700, 900}, {Depth::u8, 3, false}}, Pattern::photo_like, 1);
    const auto sink = open_sink(in, info_of(image), {}, {});
    for (std::int64_t y = 0; y < image.rect.height; y += sink->piece_rows()) {
      const std::int64_t end = std::min(image.rect.height, y + sink->piece_rows());
      sink->append(sink->encode(image.view(Rect::of_rows({y, end}, image.rect.width))));
    }
    sink->finish();
  }
  for (const int ranks : {1, 3}) {
    for (const char* name : {"result.zarr", "result.dzi"}) {
      const fs::path results = folder_ / fmt::format("{}-{}", name, ranks);
      fs::create_directory(results);
      const std::string out = results / name;
      ProcessReport report;
      std::string refusal;
      run_on_threads(ranks, [&](Communicator& comm) {
        ProcessOptions options;
        const ProcessContext context{comm};
        ProcessReport mine =
            process_image(ImageInput::file(in), ImageOutput::file(out), {}, options, context);
        options.limits.max_output_bytes = 100'000;
        try {
          process_image(ImageInput::file(in), ImageOutput::file(results / fmt::format("too-big-{}", name)),
                        {}, options, context);
        } catch (const Error& error) {
          if (comm.root()) {
            refusal = error.what();
          }
        }
        if (comm.root()) {
          report = std::move(mine);
        }
      });
      std::int64_t bytes = 0;
      for (const auto& [file, content] : files_in(results)) {
        bytes += static_cast<std::int64_t>(content.size());
        EXPECT_FALSE(file.find("too-big") != std::string::npos) << file;
        EXPECT_FALSE(file.starts_with('.')) << file;
      }
      EXPECT_EQ(report.output_bytes, bytes) << name;
      EXPECT_GT(bytes, 100'000);
      EXPECT_NE(refusal.find("max-output-bytes"), std::string::npos) << refusal;
    }
  }
}

}  // namespace
}  // namespace tessera::testing
