// A processing node: takes jobs from the queue, fetches their images, has its ranks work on them, stores the
// results and says how it went. Fetching, working and storing of different jobs overlap.
//
// Every effect can be repeated: the result's name comes from the job, its bytes from job and image, and the
// state is set once. So a job that comes again after any crash ends in one result.
//
// Three kinds of failure are told apart (FailureOrigin). Only what lies in the job fails it. What lies in
// this machine or in a server postpones it, without counting, and makes the node take nothing until that goes
// well again (NodeHealth). Ranks that ended under a job count against it, because the job may have ended
// them: it is then tried alone. A node that ended under it is left to the queue's count of deliveries.
#pragma once

#include <spdlog/common.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "node/health.hpp"
#include "node/rank_group.hpp"
#include "ports/job_queue.hpp"
#include "ports/job_store.hpp"
#include "ports/object_store.hpp"
#include "ports/result_names.hpp"

namespace spdlog {
class logger;
}

namespace tessera {

/// How images are given to ranks.
enum class Spreading : std::uint8_t {
  automatic,  ///< big images, and middling ones while nothing else waits, are cut over all ranks
  farm,       ///< each on one rank
  split,      ///< each over all ranks
};

class ImageFetch;

struct NodeOptions {
  std::string id;  ///< unique among nodes
  std::string host;
  std::string version;
  RankGroupOptions ranks;
  Spreading spreading = Spreading::automatic;
  std::int64_t split_bytes = std::int64_t{16} << 20;      ///< input files from here on are always split
  std::int64_t split_idle_bytes = std::int64_t{1} << 20;  ///< from here on when nothing else waits
  /// A job that ended its ranks so often is set aside.
  int max_attempts = 3;
  /// A job that was on the ranks when its message came back unended, the node having died or lost its queue,
  /// is set aside after so many deliveries.
  int max_deliveries = 10;
  std::chrono::milliseconds time_limit{std::chrono::hours{2}};  ///< of a job's work on the ranks
  std::chrono::milliseconds drain_limit{30'000};                ///< for jobs under way when told to stop
  std::chrono::milliseconds stop_limit{3'000};  ///< then, for ranks to heed, and the queue to answer
  HealthOptions health;
  Json limits = Json::object();  ///< for reading images: see rank messages
  /// By owner, limits that hold for that owner's jobs in the place of those above, and "time-limit" in
  /// seconds.
  Json owner_limits = Json::object();
  std::chrono::milliseconds announce_interval{2'000};
  // For metrics; called from many threads.
  /// A job has been in a phase for so long: "wait" (in the queue), "fetch", "turn" (until ranks were free for
  /// it), "work", or "store"; "process" is what its ranks say of their work, from opening the image to having
  /// written the result.
  std::function<void(std::string_view phase, std::chrono::duration<double> time)> on_phase;
  /// "done", "failed", "given-back" or "set-aside".
  std::function<void(std::string_view end)> on_end;

  /// One on each rank, and as many again being fetched or stored meanwhile.
  [[nodiscard]] int jobs_at_once() const { return 2 * ranks.ranks + 2; }
};

struct NodePorts {
  JobQueue& queue;
  JobStore& jobs;
  EventLog& events;  ///< this node's own reader: cancellations come through it
  NodeRegistry& registry;
  ObjectStore& objects;
};

class Node {
 public:
  Node(NodeOptions options, NodePorts ports, std::shared_ptr<spdlog::logger> log);
  /// Stops as drain() does without a drain limit, unless it was drained before.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Takes no more jobs, lets those under way finish within the drain limit, postpones the others. Ends even
  /// if ranks do not heed or the queue takes nothing back: then the messages come again when the queue is
  /// closed.
  void drain();
  [[nodiscard]] const RankGroup& ranks() const { return *group_; }
  /// How jobs have ended here since the start, for metrics.
  struct Counts {
    std::int64_t done = 0;
    std::int64_t failed = 0;
    std::int64_t given_back = 0;
    double busy_seconds = 0;  ///< on the ranks
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] int jobs_under_way() const;
  /// Why it takes no jobs, in a sentence; empty when it is healthy.
  [[nodiscard]] std::string problem() const { return health_.problem(); }

 private:
  struct Active;
  class JobFiles;
  enum class Ending : std::uint8_t { acknowledge, postpone, give_back, set_aside };
  struct Verdict {
    Ending ending = Ending::acknowledge;
    std::string reason;
    std::chrono::milliseconds delay{0};  ///< of a postponement
  };

  void take_jobs(const std::stop_token& stop);
  void begin(const Delivery& delivery);
  void work_on(const Delivery& delivery, Active& active);
  [[nodiscard]] Verdict judge(const Delivery& delivery, Active& active);
  void end(const Delivery& delivery, const Verdict& verdict, const std::vector<std::uint64_t>& older_tags);
  void tell_queue(const Delivery& delivery, const Verdict& verdict);
  Verdict handle(const Delivery& delivery, Active& active);
  Verdict work(const Job& job, bool suspect, Active& active);
  Verdict process(Job job, const JobFiles& files, ImageFetch& image, const Active& active, bool suspect);
  void tell(const Job& job, const JobChange& change);
  void measure(std::string_view phase, std::chrono::steady_clock::time_point since) const;
  void note(spdlog::level::level_enum level, const std::string& job_id, const std::string& request_id,
            const std::string& sentence) const;
  void note_end(std::string_view end) const;
  Verdict store(const Job& job, const RankOutcome& outcome, const std::filesystem::path& output);
  /// The result of an attempt whose node died before it could say that it was done.
  [[nodiscard]] bool take_stored(const Job& job);
  Verdict done(const Job& job, const JobResult& result);
  /// Unless it is the job's result after all.
  Verdict remove_unwanted(const Job& job, const JobResult& result);
  Verdict fail(const Job& job, const std::string& code, const std::string& sentence);
  /// Back to the queue, with the reason kept for people, and how many attempts count against the job.
  Verdict retried(const Job& job, const std::string& reason, int attempts);
  Verdict lost(const Job& job, const std::string& reason);
  Verdict set_aside(const Job& job, const std::string& sentence);
  Verdict stopped(const Job& job, const Active& active);
  [[nodiscard]] bool given_up(const Active& active) const;
  /// Something failed that does not lie in the job; its files are gone.
  Verdict not_its_fault(const Job& job, FailureOrigin origin, const std::string& reason);
  void refuse_vanished(const Job& job, const JobFiles& files, const std::filesystem::path& input) const;
  /// How often this job has failed, through no fault of its own, since others went well; 0: they do not.
  [[nodiscard]] int count_lone_failure(const std::string& job_id);
  [[nodiscard]] bool machine_is_sound() const;
  [[nodiscard]] Placement choose(bool suspect, std::int64_t input_bytes);
  void follow_cancellations(const std::stop_token& stop);
  void announce(const std::stop_token& stop);
  /// Under mutex_: jobs that have not ended.
  [[nodiscard]] int count_under_way() const;
  [[nodiscard]] NodeInfo describe();

  NodeOptions options_;
  NodePorts ports_;
  std::shared_ptr<spdlog::logger> log_;
  NodeHealth health_;
  std::unique_ptr<RankGroup> group_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_:
  std::map<std::string, std::shared_ptr<Active>> active_;  ///< by job id
  Counts counts_;
  struct Failures {
    std::int64_t successes = 0;  ///< of the node, at the last one
    int alone = 0;
  };
  std::map<std::string, Failures> failures_;  ///< by job id; not through its own fault
  bool draining_ = false;
  std::stop_source leaving_;  ///< what the queue has not been told by then, it finds out by itself
  std::jthread announcer_;
  std::jthread canceller_;
  std::jthread taker_;
};

}  // namespace tessera
