// SPDX-License-Identifier: Apache-2.0
// What is said of a damaged image is always the same: whatever threads and ranks work on it, and however
// often.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.hpp"
#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "engine/run.hpp"
#include "program.hpp"

namespace tessera::testing {
namespace {

/// For pixels that nobody wants.
class NoSink final : public Sink {
 public:
  std::int64_t piece_rows() const override { return 8; }
  EncodedPiece encode(const Tile&) const override { return {}; }
  void append(const EncodedPiece&) override {}
  void finish() override {}
};

/// "done", or the error's name and sentence.
std::string outcome(const std::string& content, int threads, int ranks) {
  const auto bytes = std::as_bytes(std::span(content));
  try {
    run_on_threads(ranks, [&](Communicator& comm) {
      // As apply does it: the root opens it, the others too where each can read its own rows.
      std::unique_ptr<Source> source = open_image(bytes);
      const Plan plan = make_plan({build_operator("box-blur", {{"radius", 2}})}, source->info());
      NoSink sink;
      RunOptions options;
      options.threads = threads;
      options.strip_rows = 16;
      run_plan(plan, comm.root() || source->random_access() ? source.get() : nullptr, sink, comm, options);
    });
  } catch (const Error& error) {
    return fmt::format("{}: {}", meaning(error.code()).name, error.what());
  }
  return "done";
}

void expect_same_outcome(const std::string& content, const std::string& what) {
  const std::string expected = outcome(content, 1, 1);
  EXPECT_EQ(expected.find("internal"), std::string::npos) << what << ": " << expected;
  EXPECT_EQ(expected.find("were asked of"), std::string::npos) << what << ": " << expected;
  for (const auto& [threads, ranks] : {std::pair{2, 1}, std::pair{3, 1}, std::pair{3, 1}, std::pair{2, 2}}) {
    ASSERT_EQ(outcome(content, threads, ranks), expected)
        << what << " on " << threads << " threads of " << ranks << " ranks";
  }
}

/// Cut off, and with bytes changed, at places that follow from the name alone.
void damage_in_many_places(const std::string& content, const std::string& name, int places) {
  std::mt19937 random(static_cast<unsigned>(content.size()));
  for (int i = 0; i < places; ++i) {
    const std::size_t at = 1 + random() % (content.size() - 1);
    expect_same_outcome(content.substr(0, at), fmt::format("{} cut off at {}", name, at));
    std::string changed = content;
    for (int k = 0; k < 3; ++k) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    expect_same_outcome(changed, fmt::format("{} with damage {}", name, i));
  }
}

/// A picture of some noise, so that its file has many rows in every kilobyte, in that format.
std::string made(FileFormat format, TiffCompression compression) {
  const ImageInfo info{{180, 900}, {Depth::u8, 3, false}};
  Tile image = Tile::allocate(Rect::whole(info.extent), info.format);
  std::mt19937 random(7);
  for (int y = 0; y < image.color.rows; ++y) {
    for (int x = 0; x < 3 * image.color.cols; ++x) {
      image.color.ptr(y)[x] = static_cast<uchar>((x + y + static_cast<int>(random() % 16)) & 255);
    }
  }
  const TemporaryFolder folder;
  const std::string file = folder / "image";
  WriteOptions options;
  options.format = format;
  options.quality = 95;
  options.tiff = {.compression = compression};
  const auto sink = open_sink(file, info, {}, options);
  for (std::int64_t y = 0; y < info.extent.height; y += sink->piece_rows()) {
    const std::int64_t end = std::min(info.extent.height, y + sink->piece_rows());
    sink->append(sink->encode(image.view(Rect::of_rows({y, end}, info.extent.width))));
  }
  sink->finish();
  return read_file(file);
}

TEST(Damage, IsAlwaysReportedTheSameWay) {
  for (const auto& entry : std::filesystem::directory_iterator(TESSERA_TEST_DATA_DIR "/codec")) {
    if (entry.path().extension() != ".md") {
      damage_in_many_places(read_file(entry.path()), entry.path().filename(), 4);
    }
  }
}

TEST(Damage, OfManyRowsIsAlwaysReportedTheSameWay) {
  damage_in_many_places(made(FileFormat::jpeg, {}), "jpeg", 40);
  damage_in_many_places(made(FileFormat::png, {}), "png", 40);
  damage_in_many_places(made(FileFormat::webp, {}), "webp", 8);
  for (const TiffCompression compression :
       {TiffCompression::none, TiffCompression::lzw, TiffCompression::deflate}) {
    damage_in_many_places(made(FileFormat::tiff, compression), "tiff", 20);
  }
  damage_in_many_places(pnm(180, 900, 3), "pnm", 20);
}

}  // namespace
}  // namespace tessera::testing
