// SPDX-License-Identifier: Apache-2.0
// Real ranks of the real program: alone and under mpirun, killed, silent, too slow, too big.
#include "node/rank_group.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>

#include "base/error.hpp"
#include "servers/server_process.hpp"
#include "support/endless.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using End = RankOutcome::End;

std::string pnm(int width, int height) {
  std::string text = fmt::format("P6\n{} {}\n255\n", width, height);
  for (int i = 0; i < width * height * 3; ++i) {
    text += static_cast<char>((static_cast<unsigned>(i) * 7919U) >> 3);
  }
  return text;
}

class Ranks : public ::testing::TestWithParam<int> {
 protected:
  testing::ServerFolder folder;
  std::mutex mutex;
  std::vector<std::string> said;

  RankGroupOptions options(int ranks) {
    RankGroupOptions result;
    result.program = TESSERA_PROGRAM;
    result.ranks = ranks;
    result.threads = 1;
    result.scratch = folder.path();
    result.first_pause = 10ms;
    result.log = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex);
      said.push_back(sentence);
    };
    return result;
  }

  RankTask task(const std::string& name, int width, int height, const char* pipeline) {
    RankTask result;
    result.input = folder.path() / (name + ".ppm");
    result.output = folder.path() / (name + "-out.png");
    result.name = "holiday.ppm";
    std::ofstream(result.input, std::ios::binary) << pnm(width, height);
    result.pipeline = Json::parse(pipeline);
    return result;
  }

  RankTask endless_task(const std::string& name) {
    RankTask result =
        task(name, 1, 1, R"([{"name": "non-local-means", "parameters": {"search-radius": 20}}])");
    testing::write_endless_image(result.input);
    return result;
  }

  struct Watch {
    std::promise<std::vector<int>> begun;
    std::promise<void> moving;
    std::atomic<bool> moved = false;
  };
  static RankOutcome run(RankGroup& group, const RankTask& task, Placement placement, Watch& watch,
                         const std::stop_token& stop = {}) {
    return group.run(
        task, placement, stop, [&](const std::vector<int>& ranks) { watch.begun.set_value(ranks); },
        [&](double, const std::string&) {
          if (!watch.moved.exchange(true)) {
            watch.moving.set_value();
          }
        });
  }
  /// Waits until the task has reported progress.
  static bool moves(Watch& watch) {
    return watch.moving.get_future().wait_for(60s) == std::future_status::ready;
  }
  static RankOutcome run(RankGroup& group, const RankTask& task, Placement placement) {
    Watch watch;
    return run(group, task, placement, watch);
  }
};

TEST_P(Ranks, GiveTheSameBytesInEveryPlacement) {
  RankGroup group(options(GetParam()));
  const char* const pipeline = R"([{"name": "gaussian-blur", "parameters": {"sigma": 2}}, {"name": "otsu"}])";
  std::vector<std::string> results;
  for (const Placement placement : {Placement::one_rank, Placement::all_ranks, Placement::alone}) {
    RankTask job = task(fmt::format("in{}", static_cast<int>(placement)), 301, 203, pipeline);
    const RankOutcome outcome = run(group, job, placement);
    ASSERT_EQ(outcome.end, End::done) << outcome.sentence;
    EXPECT_EQ(outcome.result.width_px, 301);
    EXPECT_EQ(outcome.result.ranks, placement == Placement::all_ranks ? GetParam() : 1);
    results.push_back(testing::read_file(job.output));
  }
  EXPECT_FALSE(results[0].empty());
  EXPECT_TRUE(results[0] == results[1] && results[1] == results[2]);
  EXPECT_EQ(group.restarts(), 0);
}

TEST_P(Ranks, NameTheImageWhenItIsBad) {
  RankGroup group(options(GetParam()));
  RankTask job = task("bad", 30, 20, R"([{"name": "invert"}])");
  std::ofstream(job.input) << "P6\n30 20\n255\nshort";
  for (const Placement placement : {Placement::one_rank, Placement::all_ranks}) {
    const RankOutcome outcome = run(group, job, placement);
    EXPECT_EQ(outcome.end, End::failed);
    EXPECT_EQ(outcome.code, "damaged-input");
    EXPECT_NE(outcome.sentence.find("holiday.ppm"), std::string::npos) << outcome.sentence;
    EXPECT_EQ(outcome.sentence.find(folder.path().string()), std::string::npos) << outcome.sentence;
    EXPECT_FALSE(std::filesystem::exists(job.output));
  }
  EXPECT_EQ(run(group, task("good", 30, 20, R"([{"name": "invert"}])"), Placement::one_rank).end, End::done);
  EXPECT_EQ(group.restarts(), 0);
}

TEST_P(Ranks, StopATaskWithinASecondAndContinue) {
  RankGroup group(options(GetParam()));
  for (const Placement placement : {Placement::one_rank, Placement::all_ranks}) {
    Watch watch;
    std::stop_source stop;
    const RankTask job = endless_task("endless");
    auto outcome =
        std::async(std::launch::async, [&] { return run(group, job, placement, watch, stop.get_token()); });
    ASSERT_TRUE(moves(watch));
    stop.request_stop();
    EXPECT_EQ(outcome.get().end, End::stopped);
    EXPECT_FALSE(std::filesystem::exists(job.output));
  }
  EXPECT_EQ(run(group, task("next", 30, 20, R"([{"name": "invert"}])"), Placement::all_ranks).end, End::done);
  EXPECT_EQ(group.restarts(), 0);
}

TEST_P(Ranks, RefuseATaskThatTakesTooLong) {
  RankGroup group(options(GetParam()));
  RankTask job = endless_task("endless");
  job.time_limit = 300ms;
  const RankOutcome outcome = run(group, job, Placement::all_ranks);
  EXPECT_EQ(outcome.end, End::failed);
  EXPECT_EQ(outcome.code, "limit-exceeded");
  EXPECT_NE(outcome.sentence.find("0.3 s"), std::string::npos) << outcome.sentence;
  EXPECT_EQ(group.restarts(), 0);
}

TEST_P(Ranks, RestartWhenOneIsKilled) {
  RankGroup group(options(GetParam()));
  Watch watch;
  const RankTask job = endless_task("endless");
  auto outcome = std::async(std::launch::async, [&] { return run(group, job, Placement::all_ranks, watch); });
  ASSERT_TRUE(moves(watch));
  const std::string location = group.state().back().location;
  ::kill(std::stoi(location.substr(location.rfind(':') + 1)), SIGKILL);
  const RankOutcome lost = outcome.get();
  EXPECT_EQ(lost.end, End::lost);
  EXPECT_NE(lost.sentence.find("signal 9"), std::string::npos) << lost.sentence;
  EXPECT_EQ(run(group, task("next", 30, 20, R"([{"name": "invert"}])"), Placement::all_ranks).end, End::done);
  EXPECT_EQ(group.restarts(), 1);
}

TEST_P(Ranks, RestartWhenOneStopsResponding) {
  RankGroupOptions with_short_limit = options(GetParam());
  with_short_limit.silence_limit = 2500ms;
  RankGroup group(with_short_limit);
  Watch watch;
  const RankTask job = endless_task("endless");
  auto outcome = std::async(std::launch::async, [&] { return run(group, job, Placement::all_ranks, watch); });
  ASSERT_TRUE(moves(watch));
  const std::string location = group.state().back().location;
  ::kill(std::stoi(location.substr(location.rfind(':') + 1)), SIGSTOP);
  const RankOutcome lost = outcome.get();
  EXPECT_EQ(lost.end, End::lost);
  EXPECT_NE(lost.sentence.find("did not respond"), std::string::npos) << lost.sentence;
  EXPECT_EQ(run(group, task("next", 30, 20, R"([{"name": "invert"}])"), Placement::all_ranks).end, End::done);
}

TEST_P(Ranks, RefuseATaskThatTakesTooMuchMemory) {
  RankGroupOptions small = options(GetParam());
  small.max_memory_bytes = 150'000'000;
  RankGroup group(small);
  Watch watch;
  // A whole-frame operator holds the image: 8 bytes a pixel and more.
  const RankTask job =
      task("big", 6000, 5000, R"([{"name": "butterworth-low-pass"}, {"name": "butterworth-low-pass"}])");
  const RankOutcome outcome = run(group, job, Placement::one_rank, watch);
  EXPECT_EQ(outcome.end, End::failed);
  EXPECT_EQ(outcome.code, "limit-exceeded");
  EXPECT_NE(outcome.sentence.find("150000000"), std::string::npos) << outcome.sentence;
  EXPECT_EQ(run(group, task("next", 30, 20, R"([{"name": "invert"}])"), Placement::one_rank).end, End::done);
}

/// Processes of the ranks of a group that is ready.
std::vector<pid_t> processes_of(const RankGroup& group) {
  std::vector<pid_t> processes;
  for (const RankState& rank : group.state()) {
    processes.push_back(std::stoi(rank.location.substr(rank.location.rfind(':') + 1)));
  }
  return processes;
}

TEST_P(Ranks, DecodeAllFormatsWithoutRights) {
  RankGroupOptions confined = options(GetParam());
  confined.sandbox = SandboxMode::require;
  RankGroup group(confined);
  RankTask job = task("in", 30, 20, R"([{"name": "watermark", "parameters": {"text": "Tessera"}}])");
  const std::filesystem::path images(TESSERA_TEST_DATA_DIR "/codec");
  for (const char* name :
       {"rgb8.png", "rgb8_progressive.jpg", "rgb8_jpeg.tif", "rgb8_zstd.tif", "rgb8_lossy.webp", "rgb8.gif",
        "rgb8.heic", "rgb8.avif", "rgb8.ppm", "cmyk_plain.jpg"}) {
    for (const char* format : {"png", "jpg", "tif", "webp"}) {
      job.input = images / name;
      job.output = folder.path() / fmt::format("out.{}", format);
      const RankOutcome outcome = run(group, job, Placement::all_ranks);
      EXPECT_EQ(outcome.end, End::done) << name << " to " << format << ": " << outcome.sentence;
      EXPECT_TRUE(std::filesystem::is_regular_file(job.output)) << name << " to " << format;
      std::filesystem::remove(job.output);
    }
  }
  EXPECT_EQ(group.restarts(), 0) << (said.empty() ? "" : said.back());
}

TEST_P(Ranks, HaveNeitherRightsNorCredentials) {
  ::setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell", 1);
  ::setenv("TESSERA_QUEUE", "amqp://user:do-not-tell@host/", 1);
  RankGroup group(options(GetParam()));
  ASSERT_EQ(run(group, task("in", 30, 20, R"([{"name": "invert"}])"), Placement::all_ranks).end, End::done);
  for (const pid_t rank : processes_of(group)) {
    const auto file = [&](const char* name) {
      return testing::read_file(fmt::format("/proc/{}/{}", rank, name));
    };
    EXPECT_EQ(file("environ").find("do-not-tell"), std::string::npos);
    const std::string status = file("status");
    EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
    EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
    EXPECT_NE(file("limits").find("Max core file size        0"), std::string::npos) << file("limits");
    EXPECT_EQ(file("oom_score_adj"), "1000\n");
  }
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ::unsetenv("TESSERA_QUEUE");
}

TEST_P(Ranks, LeaveNothingInTheScratchFolder) {
  RankGroup group(options(GetParam()));
  RankTask bad = task("bad", 30, 20, R"([{"name": "invert"}])");
  std::ofstream(bad.input) << "P6\n30 20\n255\nshort";
  EXPECT_EQ(run(group, bad, Placement::all_ranks).end, End::failed);
  EXPECT_EQ(run(group, task("in", 30, 20, R"([{"name": "invert"}])"), Placement::all_ranks).end, End::done);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "ranks/results"));
}

TEST_P(Ranks, AreNotUsedForAMissingImage) {
  RankGroup group(options(GetParam()));
  RankTask job = task("in", 30, 20, R"([{"name": "invert"}])");
  std::filesystem::remove(job.input);
  try {
    run(group, job, Placement::one_rank);
    ADD_FAILURE() << "it ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(std::string(error.what()).find("holiday.ppm"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(OneAndTwo, Ranks, ::testing::Values(1, 2));

TEST_F(Ranks, WorkSideBySideOnSmallImages) {
  RankGroup group(options(2));
  Watch first;
  Watch second;
  std::stop_source stop;
  const RankTask endless = endless_task("first");
  auto one = std::async(std::launch::async,
                        [&] { return run(group, endless, Placement::one_rank, first, stop.get_token()); });
  const std::vector<int> first_ranks = first.begun.get_future().get();
  const RankTask quick = task("second", 30, 20, R"([{"name": "invert"}])");
  EXPECT_EQ(run(group, quick, Placement::one_rank, second).end, End::done);
  EXPECT_NE(second.begun.get_future().get(), first_ranks);
  stop.request_stop();
  EXPECT_EQ(one.get().end, End::stopped);
}

TEST_F(Ranks, AreExplainedWhenTheyCannotStart) {
  RankGroupOptions wrong = options(1);
  wrong.program = folder.path() / "nothing";
  std::promise<std::string> explained;
  std::atomic<bool> once = false;
  wrong.log = [&](const std::string& sentence) {
    if (!once.exchange(true)) {
      explained.set_value(sentence);
    }
  };
  RankGroup group(wrong);
  EXPECT_NE(explained.get_future().get().find("nothing is not installed"), std::string::npos);
  EXPECT_FALSE(group.ready());
}

}  // namespace
}  // namespace tessera
