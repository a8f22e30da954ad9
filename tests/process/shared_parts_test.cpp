// SPDX-License-Identifier: Apache-2.0
// Results whose parts are uploaded by the ranks that made them: put together they are the file that one rank writes.
#include "image/shared_parts.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>

#include "base/file_descriptor.hpp"
#include "codec/writer.hpp"
#include "engine/memory_io.hpp"
#include "engine/run.hpp"
#include "ops/catalog.hpp"
#include "support/errors.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

TEST(Parts, GrowSoThatTenThousandHoldTheLargestObject) {
  EXPECT_EQ(begin_of_part(0), 0);
  EXPECT_GE(begin_of_part(10'000), std::int64_t{5} << 40);
  for (std::int64_t part = 0; part < 10'000; ++part) {
    const std::int64_t size = begin_of_part(part + 1) - begin_of_part(part);
    ASSERT_GE(size, std::int64_t{5} << 20) << part;
    ASSERT_LE(size, std::int64_t{5} << 30) << part;
    ASSERT_EQ(part_at(begin_of_part(part)), part);
    ASSERT_EQ(part_at(begin_of_part(part + 1) - 1), part);
  }
}

/// What a store has been sent, by all ranks.
struct Store {
  std::mutex mutex;
  std::map<std::int64_t, Bytes> parts;
  std::set<std::int64_t> noted;
  std::int64_t failing_part = -1;
  bool links_fail = false;
};

/// A result in a file that other ranks cannot reach.
class PartedSink final : public Sink, public SharedOutput, public SharedParts {
 public:
  PartedSink(std::unique_ptr<Sink> sink, int descriptor, Store& store)
      : sink_(std::move(sink)), descriptor_(descriptor), store_(store) {}
  std::int64_t piece_rows() const override { return sink_->piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_->encode(piece); }
  void append(const EncodedPiece& piece) override { sink_->append(piece); }
  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override {
    sink_->skip(index, body_bytes);
  }
  void finish() override { sink_->finish(); }
  SharedOutput* shared() override { return this; }

  SharedParts* parts() override { return this; }
  std::string invite(bool) override { return {}; }
  bool join(const std::string&) override { return false; }
  void end_invitation() override {}
  std::int64_t position() const override { return sink_->shared()->position(); }
  void write_at(std::int64_t, const EncodedPiece&) override { FAIL() << "nobody has joined"; }
  void flush() override {}

  void read_local(std::int64_t offset, std::span<std::byte> to) override {
    ASSERT_EQ(::pread(descriptor_, to.data(), to.size(), offset), std::ssize(to));
  }
  void write_local(std::int64_t offset, std::span<const std::byte> bytes) override {
    ASSERT_TRUE(pwrite_all(descriptor_, offset, bytes));
  }
  std::vector<std::string> links(std::int64_t first, std::int64_t count) override {
    if (store_.links_fail) {
      throw Error(ErrorCode::unavailable, "The store signs nothing.");
    }
    std::vector<std::string> links;
    for (std::int64_t part = first; part < first + count; ++part) {
      links.push_back(std::to_string(part));
    }
    return links;
  }
  std::string upload(const std::string& link, std::span<const std::byte> bytes) override {
    const std::int64_t part = std::stoll(link);
    EXPECT_EQ(std::ssize(bytes), begin_of_part(part + 1) - begin_of_part(part));
    if (part == store_.failing_part) {
      throw Error(ErrorCode::unavailable, "The store takes no more.");
    }
    const std::scoped_lock lock(store_.mutex);
    EXPECT_TRUE(store_.parts.emplace(part, Bytes(bytes.begin(), bytes.end())).second) << "twice: " << part;
    return "tag of " + link;
  }
  void add_uploaded(std::int64_t part, std::string tag) override {
    EXPECT_EQ(tag, fmt::format("tag of {}", part));
    store_.noted.insert(part);
  }

 private:
  std::unique_ptr<Sink> sink_;
  int descriptor_;
  Store& store_;
};

Bytes content(int descriptor) {
  struct stat status {};
  EXPECT_EQ(fstat(descriptor, &status), 0);
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  EXPECT_EQ(::pread(descriptor, bytes.data(), bytes.size(), 0), std::ssize(bytes));
  return bytes;
}

class SharedPartsTest : public ::testing::Test {
 protected:
  /// Returns what is in the root's file; the rest is in `store`.
  Bytes run(const Tile& image, const WriteOptions& write, int ranks, std::int64_t held_bytes, Store& store) {
    Bytes local;
    run_on_threads(ranks, [&](Communicator& comm) {
      TileSource source(image);
      const Plan plan = make_plan({build_operator("box-blur", {{"radius", 2}})}, source.info());
      int descriptor = -1;
      std::unique_ptr<Sink> sink;
      if (comm.root()) {
        auto file = AtomicFile::make_temporary("the result");
        descriptor = file->descriptor();
        sink = open_sink(std::move(file), plan.out, {}, write);
      } else {
        sink = make_encoder(plan.out, write);
      }
      PartedSink parted(std::move(sink), descriptor, store);
      RunOptions options;
      options.threads = 1;
      options.max_held_bytes = held_bytes;
      const RunReport report = run_plan(plan, &source, parted, comm, options);
      if (comm.root()) {
        EXPECT_EQ(report.why_gathered, "");
        local = content(descriptor);
      }
    });
    return local;
  }
};

TEST_F(SharedPartsTest, AreTheFileThatOneRankWrites) {
  const Tile image = make_image({{2500, 4200}, {Depth::u8, 3, false}}, Pattern::noise, 3);
  for (const WriteOptions& write :
       {WriteOptions{.format = FileFormat::tiff, .tiff = {.compression = TiffCompression::none}},
        WriteOptions{.format = FileFormat::png}, WriteOptions{.format = FileFormat::jpeg}}) {
    Store nothing;
    const Bytes expected = run(image, write, 1, 1 << 20, nothing);
    EXPECT_TRUE(nothing.parts.empty());
    // Panels much smaller than a part, so that parts grow over many; and one panel, with several parts a rank.
    for (const std::int64_t held_bytes : {std::int64_t{1} << 20, std::int64_t{1} << 30}) {
      for (const int ranks : {2, 3, 5}) {
        Store store;
        Bytes local = run(image, write, ranks, held_bytes, store);
        const std::string what =
            fmt::format("{} {} ranks, {}", format_info(write.format).name, ranks, held_bytes);
        ASSERT_EQ(local.size(), expected.size()) << what;
        EXPECT_FALSE(store.parts.contains(0));
        std::set<std::int64_t> sent;
        for (const auto& [part, bytes] : store.parts) {
          sent.insert(part);
          std::ranges::copy(bytes, local.begin() + begin_of_part(part));
        }
        EXPECT_EQ(sent, store.noted) << what;
        EXPECT_TRUE(local == expected) << what;
        // All that are complete, but for the first.
        EXPECT_GE(std::ssize(store.parts), part_at(std::ssize(expected) - 1) - 2) << what;
      }
    }
  }
}

TEST_F(SharedPartsTest, ThatCannotBeUploadedEndTheRun) {
  const Tile image = make_image({{2500, 4200}, {Depth::u8, 3, false}}, Pattern::noise, 3);
  const WriteOptions write{.format = FileFormat::tiff, .tiff = {.compression = TiffCompression::none}};
  for (const std::int64_t held_bytes : {std::int64_t{1} << 20, std::int64_t{1} << 30}) {
    Store full;
    full.failing_part = 2;
    EXPECT_EQ(refusal([&] { run(image, write, 3, held_bytes, full); }, ErrorCode::unavailable),
              "The store takes no more.");
    Store mute;
    mute.links_fail = true;
    EXPECT_EQ(refusal([&] { run(image, write, 3, held_bytes, mute); }, ErrorCode::unavailable),
              "The store signs nothing.");
  }
}

}  // namespace
}  // namespace tessera::testing
