// SPDX-License-Identifier: Apache-2.0
// Results that several ranks write: the file is the one that a single rank writes, and little passes through
// the root.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "codec/io/shared_file.hpp"
#include "codec/writer.hpp"
#include "engine/memory_io.hpp"
#include "engine/run.hpp"
#include "ops/catalog.hpp"
#include "support/errors.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> as_bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class SharedOutputs : public ::testing::Test {
 protected:
  SharedOutputs() : folder_(fs::temp_directory_path() / fmt::format("tessera-shared-{}", getpid())) {
    fs::create_directories(folder_);
  }
  ~SharedOutputs() override { fs::remove_all(folder_); }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.push_back(entry.path().filename());
    }
    return found;
  }

  /// Runs an operator with ghost rows over the image, in small panels, into a file.
  RunReport run(const fs::path& file, const Tile& image, const WriteOptions& write, int ranks) {
    RunReport report;
    run_on_threads(ranks, [&](Communicator& comm) {
      TileSource source(image);
      const Plan plan = make_plan({build_operator("box-blur", {{"radius", 2}})}, source.info());
      std::unique_ptr<Sink> sink;
      if (comm.root()) {
        sink = open_sink(file, plan.out, {}, write);
      } else {
        sink = make_encoder(plan.out, write);
      }
      RunOptions options;
      options.threads = 2;
      options.max_held_bytes = 1 << 20;
      RunReport mine = run_plan(plan, &source, *sink, comm, options);
      if (comm.root()) {
        report = std::move(mine);
      }
    });
    return report;
  }

  fs::path folder_;
};

TEST_F(SharedOutputs, AreTheFileThatOneRankWrites) {
  const std::vector<std::pair<std::string, WriteOptions>> kinds{
      {"png", {.format = FileFormat::png}},
      {"jpeg", {.format = FileFormat::jpeg}},
      {"deflate.tiff", {.format = FileFormat::tiff}},
      {"lzw.tiff", {.format = FileFormat::tiff, .tiff = {.compression = TiffCompression::lzw}}},
      {"zstd.tiff",
       {.format = FileFormat::tiff, .tiff = {.compression = TiffCompression::zstd, .tile_px = 64}}},
      {"plain.tiff", {.format = FileFormat::tiff, .tiff = {.compression = TiffCompression::none}}},
  };
  for (const ImageInfo& info :
       {ImageInfo{{700, 3001}, {Depth::u8, 3, false}}, ImageInfo{{301, 2600}, {Depth::u16, 1, true}},
        ImageInfo{{64, 40}, {Depth::u8, 1, false}}}) {
    const Tile image = make_image(info, Pattern::photo_like, 3);
    for (const auto& [name, write] : kinds) {
      const fs::path alone = folder_ / ("alone." + name);
      run(alone, image, write, 1);
      const std::string expected = content(alone);
      for (const int ranks : {2, 3, 5}) {
        const fs::path file = folder_ / ("together." + name);
        const RunReport report = run(file, image, write, ranks);
        EXPECT_TRUE(content(file) == expected) << name << ' ' << ranks;
        EXPECT_EQ(report.why_gathered, "");
        std::int64_t written = 0;
        for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
          const RankReport& part = report.ranks[rank];
          written += part.written_bytes;
          EXPECT_EQ(part.written_bytes > 0, !part.rows.empty()) << name << " rank " << rank;
          if (rank > 0 && part.rows.size() > 256) {
            EXPECT_LT(part.sent_bytes, part.written_bytes / 4) << name << " rank " << rank;
          }
        }
        EXPECT_LE(written, static_cast<std::int64_t>(expected.size()));
        constexpr std::int64_t most_of_an_index = 16'000;
        EXPECT_GT(written, static_cast<std::int64_t>(expected.size()) - most_of_an_index);
      }
    }
  }
  EXPECT_EQ(names().size(), 2 * kinds.size()) << "hidden files were left behind";
}

TEST_F(SharedOutputs, SayWhyTheRootWritesAll) {
  const Tile image = make_image({{100, 300}, {Depth::u8, 3, false}}, Pattern::noise, 1);
  const RunReport report = run(folder_ / "whole", image, {.format = FileFormat::webp}, 3);
  EXPECT_NE(report.why_gathered.find("one rank"), std::string::npos) << report.why_gathered;
  EXPECT_EQ(report.ranks[1].written_bytes, 0);
}

/// A folder that some ranks cannot reach, or where writing fails on one.
class FaultySink final : public Sink, public SharedOutput {
 public:
  FaultySink(std::unique_ptr<Sink> sink, bool reachable, bool writable)
      : sink_(std::move(sink)), reachable_(reachable), writable_(writable) {}
  std::int64_t piece_rows() const override { return sink_->piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_->encode(piece); }
  void append(const EncodedPiece& piece) override { sink_->append(piece); }
  void skip(std::span<const std::byte> index, std::int64_t bytes) override { sink_->skip(index, bytes); }
  void finish() override { sink_->finish(); }
  SharedOutput* shared() override { return this; }
  std::string invite(bool by_name) override { return sink_->shared()->invite(by_name); }
  bool join(const std::string& invitation) override {
    return reachable_ && sink_->shared()->join(invitation);
  }
  void end_invitation() override { sink_->shared()->end_invitation(); }
  std::int64_t position() const override { return sink_->shared()->position(); }
  void write_at(std::int64_t offset, const EncodedPiece& piece) override {
    if (!writable_) {
      throw Error(ErrorCode::io, "Writing failed on host two (No space left on device).");
    }
    sink_->shared()->write_at(offset, piece);
  }
  void flush() override { sink_->shared()->flush(); }

 private:
  std::unique_ptr<Sink> sink_;
  bool reachable_;
  bool writable_;
};

struct FaultyRun {
  RunReport report;
  std::vector<std::string> failures;  ///< of each rank
};

FaultyRun run_faulty(const fs::path& file, bool reachable, bool writable) {
  constexpr int ranks = 4;
  const Tile image = make_image({{300, 2000}, {Depth::u8, 3, false}}, Pattern::noise, 1);
  FaultyRun result;
  result.failures.resize(ranks);
  run_on_threads(ranks, [&](Communicator& comm) {
    TileSource source(image);
    const Plan plan = make_plan({build_operator("invert", Json::object())}, source.info());
    const WriteOptions write{.format = FileFormat::png};
    const bool faulty = comm.rank() == 2;
    FaultySink sink(comm.root() ? open_sink(file, plan.out, {}, write) : make_encoder(plan.out, write),
                    reachable || !faulty, writable || !faulty);
    RunOptions options;
    options.max_held_bytes = 1 << 19;
    try {
      RunReport report = run_plan(plan, &source, sink, comm, options);
      if (comm.root()) {
        result.report = std::move(report);
      }
    } catch (const Error& error) {
      result.failures[static_cast<std::size_t>(comm.rank())] = error.what();
    }
  });
  return result;
}

TEST_F(SharedOutputs, AreGatheredWhereOneRankCannotReachThem) {
  const FaultyRun reached = run_faulty(folder_ / "reached.png", true, true);
  EXPECT_EQ(reached.report.why_gathered, "");
  const FaultyRun gathered = run_faulty(folder_ / "gathered.png", false, true);
  EXPECT_NE(gathered.report.why_gathered.find("cannot be written from"), std::string::npos);
  EXPECT_EQ(gathered.report.ranks[3].written_bytes, 0);
  EXPECT_TRUE(content(folder_ / "gathered.png") == content(folder_ / "reached.png"));
  EXPECT_EQ(names().size(), 2U) << "the hidden name is gone";
}

TEST_F(SharedOutputs, FailOnEveryRankWhenOneCannotWrite) {
  const FaultyRun run = run_faulty(folder_ / "never.png", true, false);
  for (const std::string& failure : run.failures) {
    EXPECT_EQ(failure, "Writing failed on host two (No space left on device).");
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(SharedOutputs, AreWrittenByAnotherProcess) {
  for (const bool by_name : {false, true}) {
    const fs::path target = folder_ / "result";
    AtomicFile file(target);
    file.write(as_bytes_of("head "));
    SharedFile root(&file);
    const std::string invitation = root.invite(by_name);
    ASSERT_FALSE(invitation.empty());
    const std::int64_t place = root.position();
    std::array<int, 2> joined{};
    std::array<int, 2> go_on{};
    ASSERT_EQ(pipe(joined.data()), 0);
    ASSERT_EQ(pipe(go_on.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      SharedFile other(nullptr);
      char signal = other.join(invitation) ? 'y' : 'n';
      if (::write(joined[1], &signal, 1) != 1 || ::read(go_on[0], &signal, 1) != 1) {
        _exit(1);
      }
      const auto text = as_bytes_of("written by another");
      other.write_at(place, {Bytes(text.begin(), text.end()), {}});
      other.flush();
      _exit(0);
    }
    char signal = 0;
    ASSERT_EQ(::read(joined[0], &signal, 1), 1);
    ASSERT_EQ(signal, 'y') << "by name: " << by_name;
    root.end_invitation();
    ASSERT_EQ(::write(go_on[1], &signal, 1), 1);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    for (const int end : {joined[0], joined[1], go_on[0], go_on[1]}) {
      close(end);
    }
    ASSERT_EQ(status, 0);
    file.skip(18);
    file.write(as_bytes_of(" tail"));
    EXPECT_FALSE(fs::exists(target));
    file.commit();
    EXPECT_EQ(content(target), "head written by another tail");
    EXPECT_EQ(names(), std::vector<std::string>{"result"});
    fs::remove(target);
  }
}

TEST_F(SharedOutputs, AreNotMistakenForOtherFiles) {
  AtomicFile file(folder_ / "result");
  SharedFile root(&file);
  const std::string invitation = root.invite(true);
  const std::string own_path = file.expose();
  const auto with_path = [&](const fs::path& path) {
    std::string other = invitation;
    return other.replace(other.find(own_path), own_path.size(), path.string());
  };
  std::ofstream(folder_ / "other") << "the file that has this name on another host, long enough for a token";
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  fs::create_symlink(own_path, folder_ / "link");
  for (const std::string& text :
       {with_path(folder_ / "other"), with_path(folder_ / "fifo"), with_path(folder_ / "link"),
        with_path(folder_ / "missing"), with_path(folder_), std::string(), std::string("nonsense"),
        std::string(7, '\0')}) {
    EXPECT_FALSE(SharedFile(nullptr).join(text)) << text;
  }
  EXPECT_TRUE(SharedFile(nullptr).join(invitation));
  root.end_invitation();
  EXPECT_FALSE(SharedFile(nullptr).join(invitation)) << "the token is gone";
  EXPECT_EQ(fs::file_size(own_path), 0U);
}

}  // namespace
}  // namespace tessera::testing
