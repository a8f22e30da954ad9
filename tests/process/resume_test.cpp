// SPDX-License-Identifier: Apache-2.0
// Results that go on where an interrupted run stopped.
#include "process/resume.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"
#include "codec/io/atomic_file.hpp"
#include "plan/pipeline.hpp"
#include "process/process.hpp"
#include "support/errors.hpp"
#include "support/thread_frame.hpp"

namespace tessera {
namespace {

using testing::code_of;

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Resume : public ::testing::Test {
 protected:
  Resume() {
    std::string text = "/tmp/tessera-resume-XXXXXX";
    folder_ = ::mkdtemp(text.data());
    write_input(1);
  }
  ~Resume() override { fs::remove_all(folder_); }

  void write_input(unsigned seed) const {
    constexpr int width = 3000;
    constexpr int height = 4000;
    std::string pixels(std::size_t{3} * width * height, '\0');
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      pixels[i] = static_cast<char>(((i / 5) * 2654435761U + seed) >> 21);
    }
    std::ofstream(input(), std::ios::binary) << "P6\n" << width << " " << height << "\n255\n" << pixels;
  }
  [[nodiscard]] fs::path input() const { return folder_ / "in.ppm"; }

  struct Request {
    std::string pipeline = "box-blur radius=2";
    std::string output;
    int ranks = 1;
    double stop_at = 2;  ///< of the progress
    bool resumes = true;
    OutputOptions options = {};
  };

  /// The root's report; nothing if it was stopped.
  [[nodiscard]] std::optional<ProcessReport> run(const Request& request) const {
    std::optional<ProcessReport> report;
    ImageOutput output = ImageOutput::file(folder_ / request.output);
    if (request.resumes) {
      std::get<OutputFile>(output.to).resume_key = request.pipeline;
    }
    std::stop_source stop;
    run_on_threads(request.ranks, [&](Communicator& comm) {
      ProcessContext context{comm};
      context.stop = stop.get_token();
      context.progress = [&](const Progress& progress) {
        if (progress.fraction >= request.stop_at) {
          stop.request_stop();
        }
      };
      ProcessOptions options;
      options.output = request.options;
      try {
        ProcessReport done =
            process_image(ImageInput::file(input()), output, build_pipeline(parse_pipeline(request.pipeline)),
                          options, context);
        if (comm.root()) {
          report = std::move(done);
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::cancelled) << error.what();
      }
    });
    return report;
  }
  [[nodiscard]] std::vector<std::string> hidden() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().filename().string().starts_with(".")) {
        names.push_back(entry.path().filename());
      }
    }
    std::ranges::sort(names);
    return names;
  }

  fs::path folder_;
};

TEST_F(Resume, GivesTheBytesOfARunThatWasNotInterrupted) {
  for (const char* const extension : {"png", "tif", "jpg"}) {
    const std::string expected_name = fmt::format("expected.{}", extension);
    ASSERT_TRUE(run({.output = expected_name, .resumes = false}));
    const std::string expected = content(folder_ / expected_name);
    std::int64_t taken_over = 0;
    for (const int ranks : {1, 2, 4}) {
      const std::string name = fmt::format("out{}.{}", ranks, extension);
      Request request{.output = name, .ranks = ranks};
      for (const double stop_at : {0.2, 0.4, 0.6}) {
        request.stop_at = stop_at;
        ASSERT_FALSE(run(request)) << name;
        EXPECT_FALSE(fs::exists(folder_ / name));
      }
      // Another number of ranks goes on as well.
      request.stop_at = 2;
      request.ranks = ranks == 4 ? 1 : 2 * ranks;
      const auto report = run(request);
      ASSERT_TRUE(report);
      EXPECT_TRUE(content(folder_ / name) == expected) << name;
      EXPECT_EQ(hidden(), std::vector<std::string>());
      EXPECT_EQ(report->run.warnings, std::vector<std::string>());
      taken_over += report->resumed_rows;
      if (ranks == 1) {
        EXPECT_GT(report->resumed_rows, 0) << name;
      }
    }
    EXPECT_LT(taken_over, 3 * 4000) << extension;
  }
}

TEST_F(Resume, MakesTheResultAnewIfAnythingElseWasAsked) {
  const auto interrupt = [&] {
    ASSERT_FALSE(run({.output = "out.png", .stop_at = 0.5}));
    ASSERT_EQ(hidden(), (std::vector<std::string>{".out.png.tessera-journal", ".out.png.tessera-partial"}));
  };
  const auto expect_anew = [&](const Request& request) {
    const auto report = run(request);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->resumed_rows, 0);
    ASSERT_EQ(report->run.warnings.size(), 1U);
    EXPECT_TRUE(report->run.warnings.front().starts_with("What an interrupted run has left is of another"))
        << report->run.warnings.front();
    Request plain = request;
    plain.resumes = false;
    plain.output = "plain.png";
    ASSERT_TRUE(run(plain));
    EXPECT_TRUE(content(folder_ / "out.png") == content(folder_ / "plain.png"));
    EXPECT_EQ(hidden(), std::vector<std::string>());
  };
  interrupt();
  expect_anew({.pipeline = "box-blur radius=3", .output = "out.png"});
  interrupt();
  Request stripped{.output = "out.png"};
  stripped.options.strip = Strip::all;
  expect_anew(stripped);
  interrupt();
  write_input(2);
  expect_anew({.output = "out.png"});
}

TEST_F(Resume, DoesNotTrustAFileThatWasCut) {
  ASSERT_TRUE(run({.output = "expected.png", .resumes = false}));
  ASSERT_FALSE(run({.output = "out.png", .stop_at = 0.9}));
  const fs::path partial = folder_ / ".out.png.tessera-partial";
  fs::resize_file(partial, fs::file_size(partial) / 2);
  const fs::path journal = folder_ / ".out.png.tessera-journal";
  fs::resize_file(journal, fs::file_size(journal) - 3);
  ASSERT_TRUE(run({.output = "out.png"}));
  EXPECT_TRUE(content(folder_ / "out.png") == content(folder_ / "expected.png"));
}

TEST_F(Resume, SaysWhatCannotBeResumed) {
  for (const auto& [request, reason] : {
           std::pair{Request{.output = "out.webp"}, "A WebP is encoded as a whole."},
           std::pair{Request{.pipeline = "harris", .output = "out.png"}, "What operators find is not kept."},
           std::pair{Request{.output = "out.tif", .options = {.pyramid = true}},
                     "A result with smaller levels is put together at its end."},
       }) {
    const auto report = run(request);
    ASSERT_TRUE(report);
    ASSERT_FALSE(report->run.warnings.empty());
    EXPECT_EQ(report->run.warnings.back(),
              fmt::format("If this is interrupted, it cannot be resumed: {}", reason));
    EXPECT_EQ(hidden(), std::vector<std::string>());
  }
}

TEST_F(Resume, IsForOneProcessAtATime) {
  const auto mine = AtomicFile::open_partial(folder_ / "out.png");
  EXPECT_EQ(code_of([&] { static_cast<void>(AtomicFile::open_partial(folder_ / "out.png")); }),
            ErrorCode::conflict);
  EXPECT_EQ(code_of([&] { static_cast<void>(AtomicFile::open_partial("/dev/null")); }), ErrorCode::usage);
}

}  // namespace
}  // namespace tessera
