// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/gateway.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "log/guarded_thread.hpp"
#include "ports/failpoint.hpp"

namespace tessera::service {

Gateway::Gateway(GatewayOptions options, GatewayPorts ports)
    : options_(std::move(options)),
      ports_(ports),
      job_waits_(options_.apply_waits, ports_.events, ports_.jobs, options_.log),
      sources_(options_.sources),
      expiry_clock_(options_.now, options_.uptime) {}

Gateway::~Gateway() { stop(); }

void Gateway::mount(http::Router& router) {
  mount_uploads(router);
  mount_part_uploads(router);
  mount_submit(router);
  mount_apply(router);
  mount_jobs(router);
  mount_batches(router);
  mount_objects(router);
  mount_admin(router);
}

void Gateway::watch(Metrics& metrics) {
  readers_.push_back(metrics.before_text([this, &metrics] {
    const QueueDepth depth = ports_.queue.depth();
    metrics.set(Metric::queue_messages, {{"state", "waiting"}}, static_cast<double>(depth.waiting));
    metrics.set(Metric::queue_messages, {{"state", "taken"}}, static_cast<double>(depth.unacknowledged));
    metrics.set(Metric::queue_messages, {{"state", "dead"}}, static_cast<double>(depth.dead));
  }));
  readers_.push_back(metrics.before_text([this, &metrics] {
    std::map<JobState, std::int64_t> counts;
    for (int state = 0; state <= static_cast<int>(JobState::cancelled); ++state) {
      counts[static_cast<JobState>(state)] = 0;
    }
    for (const auto& [state, count] : ports_.jobs.count_by_state()) {
      counts[state] = count;
    }
    for (const auto& [state, count] : counts) {
      metrics.set(Metric::jobs, {{"state", std::string(to_string(state))}}, static_cast<double>(count));
    }
  }));
  readers_.push_back(metrics.before_text([this, &metrics] {
    std::map<std::string, double> nodes{{"starting", 0}, {"ready", 0}, {"draining", 0}};
    double busy = 0;
    double idle = 0;
    for (const NodeInfo& node : ports_.nodes.list()) {
      // A node of another version may use other states.
      const auto state = node.details.find("state");
      ++nodes[state != node.details.end() && state->is_string() ? state->get<std::string>() : "ready"];
      const auto ranks = node.details.find("ranks");
      for (const Json& rank : ranks != node.details.end() && ranks->is_array() ? *ranks : Json::array()) {
        const bool works = rank.is_object() && rank.contains("busy") && rank.at("busy") == true;
        ++(works ? busy : idle);
      }
    }
    for (const auto& [state, count] : nodes) {
      metrics.set(Metric::nodes, {{"state", state}}, count);
    }
    metrics.set(Metric::ranks, {{"state", "busy"}}, busy);
    metrics.set(Metric::ranks, {{"state", "idle"}}, idle);
  }));
  readers_.push_back(metrics.before_text([this, &metrics, again = 0.0, kept = 0.0]() mutable {
    metrics.set(Metric::clock_jump_seconds, {}, static_cast<double>(clock_ahead_ms_.load()) / 1000);
    const auto add = [&](Metric metric, double& before, std::int64_t now) {
      metrics.add(metric, {}, static_cast<double>(now) - before);
      before = static_cast<double>(now);
    };
    add(Metric::jobs_queued_again, again, queued_again_.load());
    add(Metric::removals_failed, kept, objects_kept_.load());
    constexpr int enough = 1000;
    metrics.set(Metric::unreadable_items, {}, static_cast<double>(ports_.jobs.unreadable(enough).size()));
  }));
}

void Gateway::start() {
  reconciler_ = std::jthread([this](const std::stop_token& stop) {
    run_guarded("the reconciler", options_.log.get(), stop, [&] {
      while (!stop.stop_requested()) {
        reconcile(stop);
        std::unique_lock lock(reconcile_mutex_);
        stop_requested_.wait_for(lock, stop, options_.reconcile_interval, [] { return false; });
      }
    });
  });
}

void Gateway::stop() {
  end_waits();
  readiness_.reset();
  reconciler_.request_stop();
  if (reconciler_.joinable()) {
    reconciler_.join();
  }
}

void Gateway::publish(std::span<const Job> jobs) {
  // The jobs are durable already. If this fails, or this process dies here, the reconciler of any gateway
  // publishes them; a duplicate message finds its job running or finished.
  {
    const std::scoped_lock lock(mutex_);
    if (std::chrono::steady_clock::now() < publishing_again_at_) {
      return;
    }
  }
  constexpr std::chrono::seconds pause_after_failure{10};
  std::vector<QueueMessage> messages;
  for (const Job& job : jobs) {
    messages.push_back({job.id, job.generation, job.request.priority, job.request_id});
  }
  try {
    const JobQueue::Published published = ports_.queue.publish_all(messages);
    if (!published.problem.empty()) {
      const Job& first = jobs[published.count];
      {
        const std::scoped_lock lock(mutex_);
        publishing_again_at_ = std::chrono::steady_clock::now() + pause_after_failure;
      }
      warn(fmt::format("{} jobs starting with {} [{}] are not published yet", jobs.size() - published.count,
                       first.id, first.request_id),
           published.problem);
    }
    reach(Failpoint::message_published);
    for (const Job& job : jobs.first(published.count)) {
      ports_.jobs.mark_published(job.id, job.generation);
    }
  } catch (const Error& error) {
    warn(fmt::format("job {} [{}] and later ones of its batch may not be published yet", jobs.front().id,
                     jobs.front().request_id),
         error.what());
  }
}

std::int64_t Gateway::max_waiting_jobs(std::int64_t stored_bytes, std::int64_t jobs) const {
  const std::int64_t max_jobs = options_.max_queued_per_owner;
  if (options_.max_queued_bytes_per_owner == 0) {
    return max_jobs;
  }
  const std::int64_t bytes_per_job =
      std::max<std::int64_t>(1, stored_bytes / std::max<std::int64_t>(1, jobs));
  const std::int64_t by_bytes =
      std::max<std::int64_t>(1, options_.max_queued_bytes_per_owner / bytes_per_job);
  return max_jobs == 0 ? by_bytes : std::min(max_jobs, by_bytes);
}

/// Returns the resource if it exists and the caller may see it.
template <class Thing>
static Thing visible(std::optional<Thing> found, const http::Request& request, std::string_view kind) {
  if (!found || !caller_of(request).may_see(found->owner)) {
    throw Error(ErrorCode::not_found, fmt::format("There is no {} '{}'; it may have expired.", kind,
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

std::vector<Job> Gateway::jobs_of(const Batch& batch) { return ports_.jobs.find_all(batch.job_ids); }

std::string Gateway::new_upload_name(const Caller& caller) const {
  return fmt::format("uploads/{}/{}", caller.owner, new_id("upload", options_.now()));
}

void Gateway::check_room() {
  const std::int64_t queued = ports_.jobs.count(JobState::queued);
  if (queued >= options_.max_queued_jobs) {
    throw Error(ErrorCode::busy, fmt::format("{} jobs are waiting, and the limit is {}; try again later.",
                                             queued, options_.max_queued_jobs));
  }
}

std::string Gateway::queued_limit_text() const {
  return options_.max_queued_per_owner == 0
             ? std::string("Never: the number of queued jobs per owner is not limited.")
             : fmt::format("The owner would have more than {} queued jobs.", options_.max_queued_per_owner);
}

void Gateway::warn(const std::string& what, const std::string& why) {
  if (options_.log) {
    options_.log->warn("{}: {}", what, why);
  }
}

}  // namespace tessera::service
