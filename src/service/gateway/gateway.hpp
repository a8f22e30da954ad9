// The service's front: takes jobs, tells about them, and sees to it that what was accepted gets done.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "http/router.hpp"
#include "net/signed_link.hpp"
#include "plan/pipeline.hpp"
#include "ports/job_queue.hpp"
#include "ports/job_store.hpp"
#include "ports/object_store.hpp"
#include "service/access.hpp"
#include "service/gateway/submission.hpp"
#include "service/metrics.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct GatewayOptions {
  Presets presets;
  int max_items = 1000;                                             ///< of one submission
  std::int64_t max_queued_jobs = 100'000;                           ///< more are told to come again
  std::int64_t max_queued_per_owner = 50'000;                       ///< 0: as many as there is room for
  UploadLimits uploads_per_owner{10'000, std::int64_t{200} << 30};  ///< that no job uses yet
  std::int64_t max_upload_bytes = std::int64_t{20} << 30;           ///< by a link of a local folder
  std::int64_t max_form_bytes = std::int64_t{256} << 20;  ///< of a submission with its images inside
  std::chrono::seconds link_lifetime{3600};
  std::chrono::milliseconds unpublished_patience{5'000};  ///< then the reconciler publishes
  std::chrono::milliseconds reconcile_interval{2'000};
  /// While jobs wait and nothing at all has happened for so long, the system is not ready.
  std::chrono::milliseconds progress_patience{15 * 60'000};
  std::chrono::hours upload_lifetime{48};
  std::chrono::milliseconds upload_sweep_interval{600'000};
  std::chrono::hours job_lifetime{24 * 7};  ///< of finished jobs with their results
  /// Set for a local folder, whose links lead here: they are checked with it. Else /objects is not served.
  std::optional<LinkSigner> links;
  std::string version;
  Clock now = system_now;
  std::shared_ptr<spdlog::logger> log;
};

/// What the gateway works with; must outlive it.
struct GatewayPorts {
  JobStore& jobs;
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
  void check_objects(const Caller& caller, std::vector<JobRequest>& items);
  /// Counts what comes to a place. Throws Error(limit_exceeded) if that is more than its owner may have.
  void check_upload_room(const std::string& object, std::int64_t size_bytes);
  void release_uploads(const std::vector<Job>& jobs);
  http::Response cancel(const http::Request& request);
  http::Response retry(const http::Request& request);
  http::Response result(const http::Request& request);
  http::Response list(const http::Request& request);
  http::Response zip(const http::Request& request);
  /// Publishes and marks; a failure is left to the reconciler.
  void publish(const Job& job);
  /// Throw Error(not_found), also for what is another's.
  [[nodiscard]] Job find_job(const http::Request& request);
  [[nodiscard]] Batch find_batch(const http::Request& request);
  [[nodiscard]] std::vector<Job> jobs_of(const Batch& batch);
  void check_room();
  void publish_left_behind();
  void fail_what_was_set_aside();
  void expire_jobs();
  void expire_uploads();
  void measure_uploads();
  /// When a submission is refused because of its owner's other jobs.
  [[nodiscard]] std::string queued_limit_text() const;
  /// When a body that is put is too long.
  [[nodiscard]] std::string upload_limit_text() const;
  /// When the oldest job that has not ended was accepted; now, if there is none.
  [[nodiscard]] TimePoint oldest_unfinished();
  void look_for_progress();
  void warn(const std::string& what, const std::string& why);

  GatewayOptions options_;
  GatewayPorts ports_;

  std::mutex mutex_;
  std::set<std::string> keys_in_flight_;
  std::optional<std::chrono::steady_clock::time_point> uploads_swept_;

  // Guarded by mutex_:
  std::string progress_seen_;  ///< differs from the last whenever something has happened
  std::chrono::steady_clock::time_point progress_at_ = std::chrono::steady_clock::now();

  std::mutex reconcile_mutex_;
  std::condition_variable stop_requested_;
  bool stopping_ = false;
  std::thread reconciler_;
  std::vector<Metrics::Reader> readers_;
};

}  // namespace tessera::service
