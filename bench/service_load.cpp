// The service's own cost, on real processes: how busy farm mode keeps two cores, what the way of a small job
// costs beyond its work, and a big image on a warm node against `tessera apply`. Prints JSON; what the
// figures mean stands in docs/performance-service.md.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "client/client.hpp"
#include "percentiles.hpp"
#include "servers/distributed_service.hpp"
#include "servers/raw_http.hpp"
#include "servers/s3_server.hpp"
#include "servers/sse_crowd.hpp"

namespace {

using namespace tessera;
using namespace tessera::testing;
namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;
using Command = std::vector<std::string>;

constexpr int ranks = 2;
constexpr auto patience = std::chrono::minutes(20);

struct Load {
  fs::path photographs_folder;
  std::vector<std::string> parts{"farm", "overhead", "big"};
  int photographs = 500;
  int small_jobs = 200;
  int big_runs = 3;
  int big_width_px = 12'288;  // 100 megapixels, at three to two
};

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

/// Runs a program to its end and returns what it wrote to its standard output.
std::string output_of(const Command& command, const fs::path& folder) {
  std::string line = "exec";
  for (const std::string& word : command) {
    line += " '" + word + "'";
  }
  const fs::path out = folder / "output";
  line += " > '" + out.string() + "'";
  const int status = std::system(line.c_str());
  if (status != 0) {
    throw std::runtime_error(fmt::format("{} failed", line));
  }
  return read_file(out);
}

// ---- The processors -------------------------------------------------------------------------------------

double ticks_to_seconds(double ticks) { return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)); }

/// Of all processors of the machine, by everyone, since it was started.
double machine_busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  double interrupts = 0;
  double soft_interrupts = 0;
  file >> cpu >> user >> nice >> system >> idle >> waiting >> interrupts >> soft_interrupts;
  return ticks_to_seconds(user + nice + system + interrupts + soft_interrupts);
}

struct ProcessTimes {
  pid_t parent = 0;
  double seconds = 0;  ///< of its own threads and of its children that have ended
};

std::map<pid_t, ProcessTimes> all_processes() {
  std::map<pid_t, ProcessTimes> result;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string text = read_file(entry.path() / "stat");  // empty when it has just ended
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
      continue;
    }
    std::istringstream fields(text.substr(name_end + 2));
    std::string state;
    ProcessTimes process;
    fields >> state >> process.parent;
    std::string skipped;
    for (int field = 0; field < 9; ++field) {
      fields >> skipped;
    }
    double ticks = 0;
    for (int field = 0; field < 4; ++field) {  // user, system, and those of ended children
      double part = 0;
      fields >> part;
      ticks += part;
    }
    process.seconds = ticks_to_seconds(ticks);
    result.emplace(std::stoi(name), process);
  }
  return result;
}

/// Of a process and all that it has started.
double cpu_seconds(pid_t root, const std::map<pid_t, ProcessTimes>& processes) {
  double sum = 0;
  for (const auto& [pid, process] : processes) {
    for (pid_t at = pid; at > 1;) {
      if (at == root) {
        sum += process.seconds;
        break;
      }
      const auto found = processes.find(at);
      at = found == processes.end() ? 0 : found->second.parent;
    }
  }
  return sum;
}

// ---- The service ----------------------------------------------------------------------------------------

/// A service with one node of two ranks, and the events of all jobs.
class Service {
 public:
  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] Client& client() { return *client_; }
  [[nodiscard]] SseCrowd& events() { return *events_; }
  /// What jobs have spent in each phase until now, added up.
  [[nodiscard]] std::map<std::string, double> phase_seconds() const {
    std::map<std::string, double> result;
    const std::string text = ask(metrics_port_, "GET", "/metrics").body;
    for (const char* phase : {"fetch", "turn", "work", "process", "store"}) {
      const std::string begin = fmt::format("tessera_job_phase_seconds_sum{{phase=\"{}\"}} ", phase);
      const std::size_t at = text.find(begin);
      result[phase] = at == std::string::npos ? 0 : std::stod(text.substr(at + begin.size(), 40));
    }
    return result;
  }
  [[nodiscard]] double rank_busy_seconds() const {
    const std::string text = ask(metrics_port_, "GET", "/metrics").body;
    const std::string begin = "\ntessera_rank_busy_seconds_total ";
    const std::size_t at = text.find(begin);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + begin.size(), 40));
  }
  /// Processes by what they are. "node" is the first.
  [[nodiscard]] virtual std::vector<std::pair<std::string, pid_t>> processes() = 0;

  /// Until so many events of a type have come since the beginning.
  void wait_for(const std::string& type, std::size_t count) {
    const auto enough = [&](const std::vector<SseCrowd::Heard>& heard) {
      const auto of_type = [&](const SseCrowd::Heard& event) { return event.type == type; };
      const auto failed = [&](const SseCrowd::Heard& event) { return event.type == "failed"; };
      return static_cast<std::size_t>(std::ranges::count_if(heard, of_type)) >= count ||
             std::ranges::any_of(heard, failed);
    };
    if (!events_->all(enough, patience)) {
      throw std::runtime_error(fmt::format("{} events '{}' did not come in time", count, type));
    }
    for (const SseCrowd::Heard& event : events_->heard(0)) {
      if (event.type == "failed") {
        throw std::runtime_error("a job has failed");
      }
    }
  }
  [[nodiscard]] std::size_t heard_of(const std::string& type) const {
    const auto heard = events_->heard(0);
    return static_cast<std::size_t>(
        std::ranges::count_if(heard, [&](const SseCrowd::Heard& event) { return event.type == type; }));
  }
  void expect_ranks(const std::string& server) {
    for (const auto start = Steady::now(); seconds_since(start) < 60;) {
      const Json nodes = client_->get("/v1/nodes");
      for (const Json& node : nodes.at("nodes")) {
        if (node.dump().find("\"ready\"") != std::string::npos) {
          return;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error(fmt::format("the node of {} did not become ready", server));
  }

 protected:
  Service() = default;
  void follow(int gateway_port, int notifier_port, int metrics_port) {
    metrics_port_ = metrics_port;
    client_ =
        std::make_unique<Client>(ClientOptions{fmt::format("http://127.0.0.1:{}", gateway_port), {}, {}});
    expect_ranks(fmt::format("port {}", gateway_port));
    events_ = std::make_unique<SseCrowd>(notifier_port, std::vector<std::string>{"/v1/events"});
    while (events_->connected() == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  int metrics_port_ = 0;
  std::unique_ptr<Client> client_;
  std::unique_ptr<SseCrowd> events_;
};

class ServeService final : public Service {
 public:
  explicit ServeService(const std::string& spreading) {
    process_ = std::make_unique<ServerProcess>(
        Command{TESSERA_PROGRAM, "serve", "--data", (folder_.path() / "data").string(), "--listen",
                fmt::format("127.0.0.1:{}", port_), "--ranks", std::to_string(ranks), "--threads", "1",
                "--spreading", spreading},
        ServerProcess::Environment{}, folder_.path() / "log");
    process_->wait_until_ready(port_);
    follow(port_, port_, port_);
  }
  std::vector<std::pair<std::string, pid_t>> processes() override { return {{"node", process_->pid()}}; }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

class BrokeredService final : public Service {
 public:
  explicit BrokeredService(const std::string& spreading)
      : service_(s3_.url(), {},
                 {"--spreading", spreading, "--metrics-listen", fmt::format("127.0.0.1:{}", metrics_port_)}) {
    follow(service_.gateway_port(), service_.notifier_port(), metrics_port_);
  }
  std::vector<std::pair<std::string, pid_t>> processes() override {
    return {{"node", service_.node().pid()},
            {"gateway", service_.gateway().pid()},
            {"notifier", service_.notifier().pid()}};
  }

 private:
  int metrics_port_ = free_port();
  S3Server s3_{S3Kind::s3rver};
  DistributedService service_;
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
  BrokeredService service("farm");
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
    BrokeredService distributed("auto");
    on("distributed", distributed);
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
