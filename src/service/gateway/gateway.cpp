#include "service/gateway/gateway.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/error.hpp"

namespace tessera::service {

Gateway::Gateway(GatewayOptions options, GatewayPorts ports) : options_(std::move(options)), ports_(ports) {}

Gateway::~Gateway() { stop(); }

void Gateway::mount(http::Router& router) {
  mount_submit(router);
  mount_jobs(router);
  mount_batches(router);
  mount_objects(router);
  mount_admin(router);
}

void Gateway::start() {
  reconciler_ = std::thread([this] {
    std::unique_lock lock(reconcile_mutex_);
    while (!stopping_) {
      lock.unlock();
      reconcile();
      lock.lock();
      stop_requested_.wait_for(lock, options_.reconcile_interval, [&] { return stopping_; });
    }
  });
}

void Gateway::stop() {
  {
    const std::scoped_lock lock(reconcile_mutex_);
    stopping_ = true;
    stop_requested_.notify_all();
  }
  if (reconciler_.joinable()) {
    reconciler_.join();
  }
}

void Gateway::publish(const Job& job) {
  // The job is durable already. If this fails, or this process dies here, the reconciler of any gateway
  // publishes it; a message too many finds its job taken or finished.
  try {
    ports_.queue.publish({job.id, job.generation, job.request.priority, job.request_id});
    ports_.jobs.mark_published(job.id, job.generation);
  } catch (const Error& error) {
    warn(fmt::format("job {} [{}] is not published yet", job.id, job.request_id), error.what());
  }
}

/// What was found, if it is there and the caller may know.
template <class Thing>
static Thing visible(std::optional<Thing> found, const http::Request& request, std::string_view kind) {
  if (!found || !caller_of(request).sees(found->owner)) {
    throw Error(ErrorCode::not_found,
                fmt::format("There is no {} '{}'; it may have been removed after its time.", kind,
                            request.parameter("id").substr(0, 100)));
  }
  return std::move(*found);
}

Job Gateway::find_job(const http::Request& request) {
  return visible(ports_.jobs.find(request.parameter("id")), request, "job");
}

Batch Gateway::find_batch(const http::Request& request) {
  return visible(ports_.jobs.find_batch(request.parameter("id")), request, "batch");
}

std::vector<Job> Gateway::jobs_of(const Batch& batch) {
  std::vector<Job> jobs;
  for (const std::string& id : batch.job_ids) {
    if (auto job = ports_.jobs.find(id)) {
      jobs.push_back(std::move(*job));
    }
  }
  return jobs;
}

void Gateway::check_room() {
  std::int64_t queued = 0;
  for (const auto& [state, count] : ports_.jobs.count_by_state()) {
    queued += state == JobState::queued ? count : 0;
  }
  if (queued >= options_.max_queued_jobs) {
    throw Error(ErrorCode::busy, fmt::format("{} jobs wait already, and the limit is {}; come again later.",
                                             queued, options_.max_queued_jobs));
  }
}

void Gateway::warn(const std::string& what, const std::string& why) {
  if (options_.log) {
    options_.log->warn("{}: {}", what, why);
  }
}

}  // namespace tessera::service
