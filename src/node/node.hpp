// SPDX-License-Identifier: Apache-2.0
// A processing node: receives jobs from the queue, fetches their images, processes them on its ranks, stores
// the results and updates the job state. Fetching, processing and storing of different jobs overlap.
//
// Every effect is idempotent: the result's name is derived from the job, its bytes from job and image, and
// the state is set once. So a job that is delivered again after any crash ends in one result.
//
// Three kinds of failure are distinguished (FailureOrigin). Only errors in the job itself fail it. Failures
// of this machine or of a server postpone it, without counting, and pause the node until they are gone
// (NodeHealth). A job whose ranks died counts an attempt, because it may have caused that, and is then run
// alone. If the node died, the queue's delivery count applies.
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

/// How jobs are distributed over ranks.
enum class SchedulingPolicy : std::uint8_t {
  automatic,         ///< large images, and medium ones while nothing else waits, use all ranks
  one_rank_per_job,  ///< "farm"
  all_ranks,         ///< each job over all ranks: "split"
};

class ImageFetch;
class PartedUpload;

struct NodeOptions {
  std::string id;  ///< unique among nodes
  std::string host;
  std::string version;
  RankGroupOptions ranks;
  SchedulingPolicy scheduling = SchedulingPolicy::automatic;
  std::int64_t split_bytes = std::int64_t{16}
                             << 20;  ///< input files of at least this size always use all ranks
  std::int64_t split_idle_bytes = std::int64_t{1} << 20;  ///< the same when nothing else waits
  /// A job whose ranks died this often is dead-lettered.
  int max_attempts = 3;
  /// A job that was being processed when its node died or lost its queue is dead-lettered after this many
  /// deliveries.
  int max_deliveries = 10;
  std::chrono::milliseconds time_limit{std::chrono::hours{2}};  ///< for a job's processing on the ranks
  std::chrono::milliseconds drain_limit{30'000};  ///< for active jobs to finish when the node stops
  std::chrono::milliseconds stop_limit{3'000};    ///< then, for ranks to stop and the queue to respond
  HealthOptions health;
  Json limits = Json::object();  ///< for reading images: see ProcessTask
  /// By owner: limits that replace those above, and "time-limit" in seconds.
  Json owner_limits = Json::object();
  std::chrono::milliseconds announce_interval{2'000};
  // Callbacks for metrics; called from many threads.
  /// Duration of a job's phase: "wait" (in the queue), "fetch", "turn" (until ranks were free), "work", or
  /// "store"; "process" is the time reported by the ranks, from opening the image to having written the
  /// result.
  std::function<void(std::string_view phase, std::chrono::duration<double> time)> on_phase;
  /// The outcome: "done", "failed", "given-back" (requeued or postponed) or "set-aside" (dead-lettered).
  std::function<void(std::string_view end)> on_end;

  /// One job on each rank, and as many again being fetched or stored.
  [[nodiscard]] int jobs_at_once() const { return 2 * ranks.ranks + 2; }
};

struct NodePorts {
  JobQueue& queue;
  JobStore& jobs;
  EventLog& events;  ///< this node's own reader, for cancellations
  NodeRegistry& registry;
  ObjectStore& objects;
};

class Node {
 public:
  Node(NodeOptions options, NodePorts ports, std::shared_ptr<spdlog::logger> log);
  /// Stops as drain() does with a drain limit of zero, unless it was drained before.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Receives no more jobs, lets active ones finish within the drain limit, and postpones the others. Ends
  /// even if ranks do not stop or the queue does not respond: the messages are then redelivered when the
  /// queue is closed.
  void drain();
  [[nodiscard]] const RankGroup& ranks() const { return *group_; }
  /// Outcomes of jobs on this node since the start, for metrics.
  struct Counts {
    std::int64_t done = 0;
    std::int64_t failed = 0;
    std::int64_t requeued = 0;
    double busy_seconds = 0;  ///< on the ranks
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] int active_jobs() const;
  /// Why it receives no jobs, as a sentence; empty when it is healthy.
  [[nodiscard]] std::string problem() const { return health_.problem(); }

 private:
  struct Active;
  class JobFiles;
  enum class Disposition : std::uint8_t { acknowledge, postpone, requeue, dead_letter };
  struct Verdict {
    Disposition disposition = Disposition::acknowledge;
    std::string reason;
    std::chrono::milliseconds delay{0};  ///< of a postponement
  };

  void receive_jobs(const std::stop_token& stop);
  void begin(const Delivery& delivery);
  void work_on(const Delivery& delivery, Active& active);
  [[nodiscard]] Verdict judge(const Delivery& delivery, Active& active);
  void end(const Delivery& delivery, const Verdict& verdict, const std::vector<std::uint64_t>& older_tags);
  void settle(const Delivery& delivery, const Verdict& verdict);
  Verdict handle(const Delivery& delivery, Active& active);
  Verdict work(const Job& job, bool suspect, Active& active);
  Verdict process(Job job, const JobFiles& files, ImageFetch& image, const Active& active, bool suspect);
  void update_job(const Job& job, const JobChange& change);
  [[nodiscard]] std::chrono::milliseconds time_limit_of(const std::string& owner) const;
  void measure(std::string_view phase, std::chrono::steady_clock::time_point since) const;
  void note(spdlog::level::level_enum level, const std::string& job_id, const std::string& request_id,
            const std::string& sentence) const;
  void note_end(std::string_view end) const;
  /// `upload`: of the result's object; nothing if the store is a local folder.
  Verdict store(const Job& job, const RankOutcome& outcome, const std::filesystem::path& output,
                std::optional<PartedUpload>& upload);
  /// Completes the job if an earlier attempt stored its result but its node died before recording that.
  [[nodiscard]] bool adopt_stored_result(const Job& job);
  Verdict done(const Job& job, const JobResult& result);
  /// Removes the result unless it has become the job's result.
  Verdict remove_unneeded_result(const Job& job, const JobResult& result);
  Verdict fail(const Job& job, const std::string& code, const std::string& sentence);
  /// Requeues the job; `reason` is shown to users and `attempts` are counted against it.
  Verdict postpone_job(const Job& job, const std::string& reason, int attempts);
  Verdict handle_lost_ranks(const Job& job, const std::string& reason);
  Verdict dead_letter(const Job& job, const std::string& sentence);
  Verdict stopped(const Job& job, const Active& active);
  [[nodiscard]] bool given_up(const Active& active) const;
  /// Handles a failure that the job did not cause; the job's files are already removed.
  Verdict handle_external_failure(const Job& job, FailureOrigin origin, const std::string& reason);
  void check_files_exist(const Job& job, const JobFiles& files, const std::filesystem::path& input) const;
  /// How often this job has failed, not through its own fault, while other jobs succeeded; 0: the others fail
  /// too.
  [[nodiscard]] int count_isolated_failure(const std::string& job_id);
  [[nodiscard]] bool machine_works() const;
  [[nodiscard]] Placement choose(bool suspect, std::int64_t input_bytes);
  void follow_cancellations(const std::stop_token& stop);
  void announce(const std::stop_token& stop);
  /// Number of unfinished jobs. Requires mutex_.
  [[nodiscard]] int count_active_jobs() const;
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
  std::map<std::string, Failures> failures_;  ///< by job id; failures that the job did not cause
  bool draining_ = false;
  std::stop_source leaving_;  ///< stops settling deliveries; unsettled ones are redelivered
  std::jthread announcer_;
  std::jthread canceller_;
  std::jthread receiver_;
};

}  // namespace tessera
