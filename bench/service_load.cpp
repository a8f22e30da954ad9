// SPDX-License-Identifier: Apache-2.0
// The service's own cost, on real processes: how busy farm mode keeps two cores, what the way of a small job
// costs beyond its work, and a big image on a warm node against `tessera apply`. Prints JSON; what the
// figures mean stands in docs/performance-service.md.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "adapters/open.hpp"
#include "loaded_service.hpp"
#include "output_of.hpp"
#include "percentiles.hpp"
#include "ports/bytes_io.hpp"
#include "processor_times.hpp"

namespace {

using namespace tessera;
using namespace tessera::bench;
namespace fs = std::filesystem;

struct Load {
  fs::path photographs_folder;
  std::vector<std::string> parts{"farm", "overhead", "big"};
  int photographs = 500;
  int small_jobs = 200;
  int big_runs = 3;
  int big_width_px = 12'288;  // 100 megapixels, at three to two
};

// ---- Farm mode ------------------------------------------------------------------------------------------

struct Size {
  int width_px;
  const char* extension;
};
/// Three to two: 0.3 to 12 megapixels.
constexpr std::array sizes{Size{700, "jpg"},   Size{768, "png"},   Size{1'200, "jpg"}, Size{1'500, "png"},
                           Size{2'400, "jpg"}, Size{3'000, "png"}, Size{3'600, "jpg"}, Size{4'242, "jpg"}};
constexpr std::array pipelines{"gaussian-blur sigma=2 | unsharp-mask", "grayscale | otsu", "resize width=800",
                               "median size=3", "canny"};

std::vector<fs::path> make_photographs(const Load& load, const fs::path& folder) {
  std::vector<fs::path> result;
  int number = 0;
  for (const char* photograph : {"parrots", "statue", "window"}) {
    for (const Size& size : sizes) {
      result.push_back(folder / fmt::format("{}-{}.{}", photograph, ++number, size.extension));
      static_cast<void>(output_of({TESSERA_PROGRAM, "apply", fmt::format("resize width={}", size.width_px),
                                   (load.photographs_folder / fmt::format("{}.png", photograph)).string(),
                                   "-o", result.back().string(), "--quiet"},
                                  folder));
    }
  }
  return result;
}

struct Snapshot {
  Steady::time_point when = Steady::now();
  double machine = machine_busy_seconds();
  std::map<pid_t, ProcessTimes> processes = all_processes();
};

Json farm(const Load& load) {
  const ServerFolder folder;
  const std::vector<fs::path> files = make_photographs(load, folder.path());
  const S3Server s3{S3Kind::s3rver};
  BrokeredService service("farm", s3.url());
  std::vector<std::string> objects;
  for (const fs::path& file : files) {
    objects.push_back(service.client().upload(file));
  }
  Json items = Json::array();
  for (int i = 0; i < load.photographs; ++i) {
    const auto file = static_cast<std::size_t>(i) % files.size();
    items.push_back({{"object", objects[file]},
                     {"name", files[file].filename().string()},
                     {"pipeline", pipelines[static_cast<std::size_t>(i) % pipelines.size()]}});
  }
  const double ranks_before = service.rank_busy_seconds();
  std::thread submission([&] { service.client().post("/v1/jobs", {{"items", items}}); });
  service.wait_for("running", 1);
  const Snapshot first;
  submission.join();
  service.wait_for("done", static_cast<std::size_t>(load.photographs));
  const Snapshot last;
  const double wall = std::chrono::duration<double>(last.when - first.when).count();
  const double rank_busy = service.rank_busy_seconds() - ranks_before;
  const auto cores = static_cast<double>(std::thread::hardware_concurrency());
  Json result{{"photographs", load.photographs},
              {"seconds", wall},
              {"photographs_a_second", load.photographs / wall},
              {"machine_busy_share", (last.machine - first.machine) / (cores * wall)},
              {"ranks_have_work_share", rank_busy / (ranks * wall)},
              {"cpu_seconds_a_photograph", Json::object()}};
  double rest = cpu_seconds(::getpid(), last.processes) - cpu_seconds(::getpid(), first.processes);
  for (const auto& [name, pid] : service.processes()) {
    const double used = cpu_seconds(pid, last.processes) - cpu_seconds(pid, first.processes);
    rest -= used;
    result["cpu_seconds_a_photograph"][name] = used / load.photographs;
    if (name == "node") {
      result["node_busy_share"] = used / (cores * wall);
    }
  }
  result["cpu_seconds_a_photograph"]["broker, Redis, store and this program"] = rest / load.photographs;
  for (const auto& [phase, seconds] : service.phase_seconds()) {
    result["mean_ms"][phase] = 1000 * seconds / load.photographs;
  }
  return result;
}

/// How long this machine's disk takes to make a few bytes durable, which every step of a job waits for.
double sync_ms() {
  const ServerFolder folder;
  const int file = ::open((folder.path() / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  std::vector<double> ms;
  for (int i = 0; i < 50; ++i) {
    const auto start = Steady::now();
    if (::write(file, "4 KiB or less", 13) != 13 || ::fsync(file) != 0) {
      throw std::runtime_error("the disk does not take what is written");
    }
    ms.push_back(1000 * seconds_since(start));
  }
  ::close(file);
  return percentiles(ms)["median_ms"];
}

// ---- Small jobs -----------------------------------------------------------------------------------------

/// What the store alone takes for a small job: for telling of the object when it is submitted, for giving it,
/// and for taking a result as big.
Json store_alone(const Load& load, const std::string& url) {
  const auto store = open_object_store(url, {});
  const std::string bytes(60'000, 'x');
  std::map<std::string, std::vector<double>> ms;
  for (int i = 0; i < load.small_jobs; ++i) {
    const std::string name = fmt::format("alone/{}", i);
    const auto timed = [&](const char* what, const auto& work) {
      const auto start = Steady::now();
      work();
      ms[what].push_back(1000 * seconds_since(start));
      return ms[what].back();
    };
    double sum = timed("put", [&] { store->put(name, *memory_source(bytes), "image/jpeg"); });
    sum += timed("stat", [&] { static_cast<void>(store->stat(name)); });
    sum += timed("get", [&] {
      StringSink out;
      store->get(name, out);
    });
    ms["in_all"].push_back(sum);
    store->remove(name);
  }
  Json result;
  for (const auto& [what, times] : ms) {
    result[what] = percentiles(times)["median_ms"];
  }
  return result;
}

Json overhead(const Load& load, Service& service) {
  const ServerFolder folder;
  const fs::path photograph = folder.path() / "small.jpg";
  static_cast<void>(
      output_of({TESSERA_PROGRAM, "apply", "resize width=700",
                 (load.photographs_folder / "parrots.png").string(), "-o", photograph.string(), "--quiet"},
                folder.path()));
  const std::string object = service.client().upload(photograph);
  const Json job{{"object", object}, {"name", "small.jpg"}, {"pipeline", "gaussian-blur sigma=2"}};
  constexpr int to_get_warm = 10;
  std::vector<double> in_all;
  std::vector<double> beyond;
  std::map<std::string, std::vector<double>> phases;
  for (int i = 0; i < to_get_warm + load.small_jobs; ++i) {
    const std::map<std::string, double> before = service.phase_seconds();
    const std::size_t done = service.heard_of("done");
    const auto start = Steady::now();
    service.client().post("/v1/jobs", job);
    const double submitted_ms = 1000 * seconds_since(start);
    service.wait_for("done", done + 1);
    const double ms =
        std::chrono::duration<double, std::milli>(service.events().heard(0).back().when - start).count();
    // The acknowledgement to the queue comes after the result is there: not in the next job's time.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (i < to_get_warm) {
      continue;
    }
    for (const auto& [phase, seconds] : service.phase_seconds()) {
      phases[phase].push_back(1000 * (seconds - before.at(phase)));
    }
    phases["submit"].push_back(submitted_ms);
    in_all.push_back(ms);
    beyond.push_back(ms - phases["process"].back());
  }
  Json result{{"jobs", load.small_jobs}, {"overhead", percentiles(beyond)}, {"in_all", percentiles(in_all)}};
  for (const auto& [phase, ms] : phases) {
    result["median_phase_ms"][phase] = percentiles(ms)["median_ms"];
  }
  return result;
}

// ---- A big image ----------------------------------------------------------------------------------------

constexpr const char* big_pipeline = "gaussian-blur sigma=2 | unsharp-mask";

struct BigImage {
  fs::path file;
  double apply_seconds = 1e9;   ///< the least of some runs, from the program's start to its end
  double report_seconds = 1e9;  ///< as it reports itself: without starting the ranks
};

BigImage make_big(const Load& load, const fs::path& folder) {
  BigImage big{folder / "big.png"};
  static_cast<void>(
      output_of({TESSERA_PROGRAM, "apply", fmt::format("resize width={}", load.big_width_px),
                 (load.photographs_folder / "parrots.png").string(), "-o", big.file.string(), "--quiet"},
                folder));
  for (int run = 0; run < load.big_runs; ++run) {
    const fs::path result = folder / "applied.png";
    const auto start = Steady::now();
    const Json report = Json::parse(
        output_of({TESSERA_PROGRAM, "apply", big_pipeline, big.file.string(), "-o", result.string(),
                   "--ranks", std::to_string(ranks), "--threads", "1", "--force", "--json"},
                  folder));
    big.apply_seconds = std::min(big.apply_seconds, seconds_since(start));
    big.report_seconds = std::min(big.report_seconds, report.at("images").at(0).at("seconds").get<double>());
  }
  return big;
}

Json big_on(const Load& load, Service& service, const BigImage& big) {
  const std::string object = service.client().upload(big.file);
  Json best;
  for (int run = 0; run < load.big_runs; ++run) {
    const std::map<std::string, double> before = service.phase_seconds();
    const std::size_t done = service.heard_of("done");
    const auto start = Steady::now();
    service.client().post("/v1/jobs", {{"object", object}, {"name", "big.png"}, {"pipeline", big_pipeline}});
    service.wait_for("done", done + 1);
    Json result{{"seconds", seconds_since(start)}};
    result["over_apply"] = result["seconds"].get<double>() / big.apply_seconds;
    result["over_apply_report"] = result["seconds"].get<double>() / big.report_seconds;
    for (const auto& [phase, seconds] : service.phase_seconds()) {
      result["phase_seconds"][phase] = seconds - before.at(phase);
    }
    if (best.is_null() || result["seconds"] < best["seconds"]) {
      best = result;
    }
  }
  return best;
}

bool wanted(const Load& load, const char* part) {
  return std::ranges::find(load.parts, part) != load.parts.end();
}

Json measure(const Load& load) {
  Json result{{"disk_sync_median_ms", sync_ms()}};
  if (wanted(load, "farm")) {
    result["farm"] = farm(load);
  }
  const ServerFolder folder;
  BigImage big;
  if (wanted(load, "big")) {
    big = make_big(load, folder.path());
    result["big"] = {{"bytes", fs::file_size(big.file)},
                     {"apply_seconds", big.apply_seconds},
                     {"apply_report_seconds", big.report_seconds}};
  }
  const auto on = [&](const char* name, Service& service) {
    if (wanted(load, "overhead")) {
      result["overhead"][name] = overhead(load, service);
    }
    if (wanted(load, "big")) {
      result["big"][name] = big_on(load, service, big);
    }
  };
  if (wanted(load, "overhead") || wanted(load, "big")) {
    {
      ServeService serve("auto");
      on("serve", serve);
    }
    const ServerFolder objects;
    const S3Server s3{S3Kind::s3rver};
    for (const auto& [name, url] : {std::pair{"distributed, s3rver", s3.url()},
                                    {"distributed, local folder", "file://" + objects.path().string()}}) {
      if (wanted(load, "overhead")) {
        result["store_alone_median_ms"][name] = store_alone(load, url);
      }
      BrokeredService distributed("auto", url);
      on(name, distributed);
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  CLI::App app("Measures what the service costs beyond the work on images.");
  app.add_option("photographs", load.photographs_folder, "Folder of examples/photos")->required();
  app.add_option("--parts", load.parts, "farm, overhead, big")->delimiter(',');
  app.add_option("--photographs", load.photographs);
  app.add_option("--small-jobs", load.small_jobs);
  app.add_option("--big-runs", load.big_runs);
  app.add_option("--big-width", load.big_width_px);
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << measure(load).dump(1) << '\n';
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "service_load: {}\n", error.what());
    return 1;
  }
}
