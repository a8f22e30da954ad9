// The service's front: takes jobs, tells about them, and sees to it that what was accepted gets done.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "http/router.hpp"
#include "net/signed_link.hpp"
#include "plan/pipeline.hpp"
#include "ports/job_queue.hpp"
#include "ports/job_store.hpp"
#include "ports/object_store.hpp"
#include "service/access.hpp"
#include "service/gateway/expiry_clock.hpp"
#include "service/gateway/readiness.hpp"
#include "service/gateway/submission.hpp"
#include "service/metrics.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct GatewayOptions {
  Presets presets;
  SubmissionLimits submission;                 ///< of one request; go_on is the gateway's own
  std::int64_t max_queued_jobs = 100'000;      ///< more are told to try again
  std::int64_t max_queued_per_owner = 50'000;  ///< 0: as many as there is room for
  /// In the state of jobs. The larger an owner's jobs, the fewer may wait. 0: no limit.
  std::int64_t max_queued_bytes_per_owner = std::int64_t{256} << 20;
  UploadLimits uploads_per_owner{10'000, std::int64_t{200} << 30};  ///< that no job uses yet
  std::int64_t max_upload_bytes = std::int64_t{20} << 30;           ///< by a link of a local folder
  std::int64_t max_form_bytes = std::int64_t{256} << 20;  ///< of a submission with its images inside
  std::chrono::seconds link_lifetime{3600};
  std::chrono::milliseconds unpublished_patience{5'000};  ///< then the reconciler publishes
  std::chrono::milliseconds reconcile_interval{2'000};
  /// While jobs wait and nothing at all has happened for so long, the system is not ready.
  std::chrono::milliseconds progress_patience{15 * 60'000};
  std::chrono::milliseconds readiness_interval{2'000};    ///< between two questions to each part
  std::chrono::milliseconds readiness_time_limit{5'000};  ///< for a part's answer
  /// A job that waits without a message, or is under way without a node, for so long is queued again.
  std::chrono::milliseconds requeue_after{60'000};
  /// Dead letters are looked at when their number changes, and so often.
  std::chrono::milliseconds dead_letter_interval{300'000};
  std::chrono::milliseconds upload_lifetime{std::chrono::hours(48)};
  std::chrono::milliseconds upload_sweep_interval{600'000};
  std::chrono::milliseconds job_lifetime{
      std::chrono::hours(24 * 7)};  ///< of finished jobs with their results
  /// Results that belong to no job are removed when they are so old. Longer than storing one may take.
  std::chrono::milliseconds orphan_age{std::chrono::hours(24)};
  std::chrono::milliseconds result_sweep_interval{std::chrono::hours(1)};
  /// Set for a local folder, whose links lead here: they are checked with it. Else /objects is not served.
  std::optional<LinkSigner> links;
  std::string version;
  Clock now = system_now;
  std::function<std::chrono::milliseconds()> uptime = system_uptime;  ///< shows when `now` jumps
  std::shared_ptr<spdlog::logger> log;
};

/// From the look at its input to the record of a job: longer than a request may take.
inline constexpr std::chrono::minutes acceptance_margin{10};

/// What the gateway works with; must outlive it.
struct GatewayPorts {
  JobStore& jobs;
  EventLog& events;
  NodeRegistry& nodes;
  JobQueue& queue;
  ObjectStore& objects;
  Access& access;
  UploadLedger& uploads;
};

class Gateway {
 public:
  Gateway(GatewayOptions options, GatewayPorts ports);
  ~Gateway();  ///< stop()
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Adds its routes. The gateway must outlive the server that uses them.
  void mount(http::Router& router);
  /// Lets the metrics tell of queue, jobs, nodes and ranks. They must outlive the gateway.
  void watch(Metrics& metrics);
  void start();  ///< the reconciler
  void stop();
  /// One round of the reconciler: publishes what was left behind, marks what the queue has set aside as
  /// failed, removes what has outlived its time.
  void reconcile();

 private:
  // By file.
  void mount_uploads(http::Router& router);  // upload_routes.cpp
  void mount_submit(http::Router& router);   // submit.cpp
  void mount_jobs(http::Router& router);     // job_routes.cpp
  void mount_batches(http::Router& router);  // batch_routes.cpp
  void mount_objects(http::Router& router);  // object_routes.cpp
  void mount_admin(http::Router& router);    // admin_routes.cpp

  http::Response submit(const http::Request& request);
  http::Response upload(const http::Request& request);
  [[nodiscard]] NewJobs new_jobs(const http::Request& request, const Caller& caller, Submission submission);
  /// Notes which content each item is about. Throws Error(not_found) if one is not there, or not the
  /// caller's.
  void check_objects(const http::Request& request, std::vector<JobRequest>& items);
  /// Counts what comes to a place. Throws Error(limit_exceeded) if that is more than its owner may have.
  void check_upload_room(const std::string& object, std::int64_t size_bytes);
  void release_uploads(const std::vector<Job>& jobs);
  http::Response cancel(const http::Request& request);
  http::Response retry(const http::Request& request);
  http::Response result(const http::Request& request);
  http::Response list(const http::Request& request);
  http::Response zip(const http::Request& request);
  /// Publishes and marks; what fails is left to the reconciler, with all after it. So is everything for some
  /// seconds after that: clients need not wait for a queue that is away.
  void publish(std::span<const Job> jobs);
  /// How many jobs an owner may have waiting if they are as large as these; 0: any number.
  [[nodiscard]] std::int64_t most_waiting(std::int64_t stored_bytes, std::int64_t jobs) const;
  [[nodiscard]] std::vector<Readiness::Part> parts_to_ask();
  [[nodiscard]] http::Response readiness();
  http::Response retry_dead(const http::Request& request);
  /// Throw Error(not_found), also for what is another's.
  [[nodiscard]] Job find_job(const http::Request& request);
  [[nodiscard]] Batch find_batch(const http::Request& request);
  [[nodiscard]] std::vector<Job> jobs_of(const Batch& batch);
  void check_room();
  // reconciler.cpp
  void publish_left_behind();
  void queue_what_is_lost();
  void fail_what_was_set_aside();
  void look_for_progress();
  // sweeps.cpp
  void expire_jobs();
  void expire_uploads();
  void sweep_results();
  void forget_old_unreadable();
  [[nodiscard]] TimePoint expiry_now();
  [[nodiscard]] const std::unordered_set<std::string>& objects_in_use();
  void measure_uploads();
  /// When a submission is refused because of its owner's other jobs.
  [[nodiscard]] std::string queued_limit_text() const;
  /// When a body that is put is too long.
  [[nodiscard]] std::string upload_limit_text() const;
  void warn(const std::string& what, const std::string& why);

  GatewayOptions options_;
  GatewayPorts ports_;

  std::mutex mutex_;
  std::set<std::string> keys_in_flight_;

  // Guarded by mutex_:
  std::chrono::steady_clock::time_point publishing_again_at_{};
  std::string progress_seen_;  ///< the newest event when something had happened last
  std::chrono::steady_clock::time_point progress_at_ = std::chrono::steady_clock::now();

  class Removals;
  /// A walk through the store, a page in each round.
  struct Sweep {
    std::string after;  ///< the last name that was looked at
    bool under_way = false;
    std::optional<std::chrono::steady_clock::time_point> ended;
    bool begins_or_goes_on(std::chrono::milliseconds interval);
    void goes_on_after(std::string next);
  };
  // Of the reconciler alone:
  ExpiryClock expiry_clock_;
  std::optional<std::unordered_set<std::string>> in_use_;
  std::chrono::steady_clock::time_point in_use_at_;
  Sweep upload_sweep_;
  Sweep result_sweep_;
  std::int64_t missing_before_ = 0;  ///< messages, when last looked
  std::int64_t dead_seen_ = -1;      ///< letters; -1: not looked yet
  std::chrono::steady_clock::time_point dead_looked_at_;
  std::set<std::string> marked_dead_;  ///< letters whose jobs are marked as failed
  // For metrics:
  std::atomic<std::int64_t> queued_again_ = 0;
  std::atomic<std::int64_t> objects_kept_ = 0;  ///< removals that failed
  std::atomic<std::int64_t> clock_ahead_ms_ = 0;

  std::mutex reconcile_mutex_;
  std::condition_variable_any stop_requested_;
  std::jthread reconciler_;
  std::vector<Metrics::Reader> readers_;
  std::unique_ptr<Readiness> readiness_;  ///< from mount() to stop()
};

}  // namespace tessera::service
