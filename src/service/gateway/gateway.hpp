// SPDX-License-Identifier: Apache-2.0
// The gateway: accepts jobs, reports their state, and makes sure that accepted jobs are processed.
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
#include "service/gateway/job_waits.hpp"
#include "service/gateway/readiness.hpp"
#include "service/gateway/sources.hpp"
#include "service/gateway/submission.hpp"
#include "service/metrics.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

class UploadGuard;

struct GatewayOptions {
  Presets presets;
  SubmissionLimits submission;                 ///< per request; check_cancelled is set by the gateway
  std::int64_t max_queued_jobs = 100'000;      ///< more are rejected with 503
  std::int64_t max_queued_per_owner = 50'000;  ///< 0: limited only by the total
  /// Size of an owner's queued jobs in the state store: the larger the jobs, the fewer may wait. 0:
  /// unlimited.
  std::int64_t max_queued_bytes_per_owner = std::int64_t{256} << 20;
  UploadLimits uploads_per_owner{10'000, std::int64_t{200} << 30};  ///< unused uploads per owner
  std::int64_t max_upload_bytes = std::int64_t{20} << 30;           ///< for uploads to a local folder
  std::int64_t parts_from_bytes = std::int64_t{64} << 20;  ///< larger uploads of a known size go in parts
  std::int64_t max_form_bytes = std::int64_t{256} << 20;   ///< for a submission that contains its images
  std::int64_t max_apply_bytes = std::int64_t{32} << 20;   ///< of an image that one request processes
  std::chrono::seconds apply_wait{30};  ///< for the result, unless the request prefers another time
  std::chrono::seconds max_apply_wait{60};
  SourceOptions sources;      ///< images that requests name by URL
  JobWaitLimits apply_waits;  ///< concurrent ones; beyond them the job is answered without waiting
  std::chrono::seconds link_lifetime{3600};
  std::chrono::milliseconds unpublished_timeout{5'000};  ///< after this the reconciler publishes them
  std::chrono::milliseconds reconcile_interval{2'000};
  /// If jobs wait and nothing has happened for this long, the system is not ready.
  std::chrono::milliseconds progress_timeout{15 * 60'000};
  std::chrono::milliseconds readiness_interval{2'000};    ///< between two checks of each part
  std::chrono::milliseconds readiness_time_limit{5'000};  ///< for a part's response
  /// A job that waits without a message, or runs without a node, is requeued after this time.
  std::chrono::milliseconds requeue_after{60'000};
  /// Dead letters are read when their number changes, and at this interval.
  std::chrono::milliseconds dead_letter_interval{300'000};
  std::chrono::milliseconds upload_lifetime{std::chrono::hours(48)};
  std::chrono::milliseconds upload_sweep_interval{600'000};
  std::chrono::milliseconds job_lifetime{
      std::chrono::hours(24 * 7)};  ///< for finished jobs and their results
  /// Orphaned results are removed at this age, which must exceed the time for storing one.
  std::chrono::milliseconds orphan_age{std::chrono::hours(24)};
  std::chrono::milliseconds result_sweep_interval{std::chrono::hours(1)};
  /// Set for a local folder: verifies the links that this gateway serves. Otherwise /objects is not served.
  std::optional<LinkSigner> links;
  std::string version;
  Clock now = system_now;
  std::function<std::chrono::milliseconds()> uptime = system_uptime;  ///< for detecting jumps of `now`
  std::shared_ptr<spdlog::logger> log;
};

/// Maximum time from checking a job's input to storing its record: longer than a request may take.
inline constexpr std::chrono::minutes acceptance_margin{10};

/// Dependencies of the gateway; must outlive it.
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
  /// Adds metrics of queue, jobs, nodes and ranks. They must outlive the gateway.
  void watch(Metrics& metrics);
  void start();  ///< starts the reconciler
  void stop();
  /// Requests that wait for a job's end are answered now, with the job as it is. For the end of the server,
  /// before stop().
  void end_waits() { job_waits_.stop(); }
  /// One round of the reconciler: publishes unpublished jobs, requeues lost ones, fails dead-lettered ones,
  /// and removes what has expired. Ends early when `stop` is requested: while servers are away each step takes
  /// its timeout.
  void reconcile(const std::stop_token& stop = {});

 private:
  // By file.
  void mount_uploads(http::Router& router);       // upload_routes.cpp
  void mount_part_uploads(http::Router& router);  // part_upload_routes.cpp
  void mount_submit(http::Router& router);        // submit.cpp
  void mount_apply(http::Router& router);         // apply.cpp
  void mount_jobs(http::Router& router);          // job_routes.cpp
  void mount_batches(http::Router& router);       // batch_routes.cpp
  void mount_objects(http::Router& router);       // object_routes.cpp
  void mount_admin(http::Router& router);         // admin_routes.cpp

  http::Response submit(const http::Request& request);
  http::Response apply(const http::Request& request);
  [[nodiscard]] http::Response applied(const http::Request& request, const Job& job);
  [[nodiscard]] std::string new_upload_name(const Caller& caller) const;
  http::Response upload(const http::Request& request);
  /// The same for an upload in parts, with its first links.
  [[nodiscard]] http::Response begin_parts(const UploadReservation& reservation,
                                           const std::string& content_type, std::int64_t size_bytes);
  [[nodiscard]] Json part_links(const std::string& object, const std::string& upload, std::int64_t size_bytes,
                                const std::vector<int>& numbers);
  http::Response more_part_links(const http::Request& request);
  http::Response parts_received(const http::Request& request);
  http::Response complete_parts(const http::Request& request);
  http::Response abort_parts(const http::Request& request);
  /// By a link to a local folder.
  [[nodiscard]] http::Response put_part(const http::Request& request, const LinkSigner::Part& part);
  [[nodiscard]] NewJobs new_jobs(const http::Request& request, const Caller& caller, Submission submission);
  /// Records the version of each item's object. Throws Error(not_found) if one does not exist or belongs to
  /// another owner.
  void check_objects(const http::Request& request, std::vector<JobRequest>& items);
  /// Records the size of an upload. Throws Error(limit_exceeded) if its owner would exceed the limit.
  void check_upload_room(const std::string& object, std::int64_t size_bytes);
  /// Records the jobs and publishes them. Afterwards `uploads` keeps what they need.
  JobStore::Created accept(const http::Request& request, const NewJobs& jobs, UploadGuard& uploads);
  void release_uploads(const std::vector<Job>& jobs);
  http::Response cancel(const http::Request& request);
  http::Response retry(const http::Request& request);
  http::Response result(const http::Request& request);
  http::Response input(const http::Request& request);
  http::Response list(const http::Request& request);
  http::Response zip(const http::Request& request);
  /// Publishes the jobs and marks them as published; on failure this and the rest are left to the reconciler.
  /// So are all jobs for some seconds after that, so that clients do not wait for an unavailable queue.
  void publish(std::span<const Job> jobs);
  /// Maximum number of waiting jobs of an owner, for jobs of this size; 0: unlimited.
  [[nodiscard]] std::int64_t max_waiting_jobs(std::int64_t stored_bytes, std::int64_t jobs) const;
  [[nodiscard]] std::vector<Readiness::Part> readiness_parts();
  [[nodiscard]] http::Response readiness();
  http::Response redrive(const http::Request& request);
  /// Throw Error(not_found), also if it belongs to another owner.
  [[nodiscard]] Job find_job(const http::Request& request);
  [[nodiscard]] Batch find_batch(const http::Request& request);
  [[nodiscard]] std::vector<Job> jobs_of(const Batch& batch);
  void check_room();
  // reconciler.cpp
  void publish_unpublished();
  void requeue_lost_jobs();
  void fail_dead_lettered_jobs();
  void check_progress();
  // sweeps.cpp
  void expire_jobs();
  void expire_uploads();
  void abort_part_uploads();
  void sweep_results();
  void forget_old_unreadable();
  [[nodiscard]] TimePoint expiry_now();
  [[nodiscard]] const std::unordered_set<std::string>& objects_in_use();
  void measure_uploads();
  /// OpenAPI text: when a submission exceeds the owner's quota.
  [[nodiscard]] std::string queued_limit_text() const;
  /// OpenAPI text: when an uploaded body is too long.
  [[nodiscard]] std::string upload_limit_text() const;
  void warn(const std::string& what, const std::string& why);

  GatewayOptions options_;
  GatewayPorts ports_;
  JobWaits job_waits_;
  SourceFetcher sources_;

  std::mutex mutex_;
  std::set<std::string> keys_in_flight_;

  // Guarded by mutex_:
  std::chrono::steady_clock::time_point publishing_again_at_{};
  std::string progress_seen_;  ///< the newest event at the last progress
  std::chrono::steady_clock::time_point progress_at_ = std::chrono::steady_clock::now();

  class Removals;
  /// A walk through the store, one page per round.
  struct Sweep {
    std::string after;  ///< the last name visited
    bool under_way = false;
    std::optional<std::chrono::steady_clock::time_point> ended;
    bool should_run(std::chrono::milliseconds interval);
    void advance_to(std::string next);
  };
  // Used by the reconciler only:
  ExpiryClock expiry_clock_;
  std::optional<std::unordered_set<std::string>> in_use_;
  std::chrono::steady_clock::time_point in_use_at_;
  Sweep upload_sweep_;
  Sweep part_upload_sweep_;
  Sweep result_sweep_;
  std::int64_t missing_before_ = 0;      ///< missing messages at the last check
  std::int64_t dead_letters_seen_ = -1;  ///< number of letters at the last check; -1: not checked yet
  std::chrono::steady_clock::time_point dead_letters_checked_at_;
  std::set<std::string> marked_dead_letters_;  ///< ids of letters whose jobs are marked as failed
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
