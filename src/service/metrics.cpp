// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <vector>

#include "base/error.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

using enum MetricKind;

constexpr std::array metric_table{
    MetricInfo{Metric::http_requests, counter, "tessera_http_requests_total",
               "Requests answered, by method, route and status."},
    MetricInfo{Metric::http_request_seconds, histogram, "tessera_http_request_seconds",
               "From a request's header to the end of its response, by route; event streams last as long "
               "as their clients."},
    MetricInfo{Metric::queue_messages, gauge, "tessera_queue_messages",
               "Messages in the queue, by state: waiting, taken or dead."},
    MetricInfo{Metric::jobs, gauge, "tessera_jobs", "Stored jobs, by state."},
    MetricInfo{Metric::nodes, gauge, "tessera_nodes",
               "Processing nodes, by state: starting, ready or draining."},
    MetricInfo{Metric::ranks, gauge, "tessera_ranks", "Ranks of all nodes, by state: busy or idle."},
    MetricInfo{Metric::jobs_queued_again, counter, "tessera_jobs_queued_again_total",
               "Jobs that this gateway requeued because their message or their node was lost."},
    MetricInfo{Metric::removals_failed, counter, "tessera_removals_failed_total",
               "Expired objects that this gateway could not remove."},
    MetricInfo{Metric::unreadable_items, gauge, "tessera_unreadable_items",
               "Records and events that cannot be read, and are ignored."},
    MetricInfo{Metric::clock_jump_seconds, gauge, "tessera_clock_jump_seconds",
               "By how much this gateway's clock has jumped ahead; expiry ignores the jump."},
    MetricInfo{Metric::store_operations, counter, "tessera_store_operations_total",
               "Operations on the object store, by operation and outcome: done or failed."},
    MetricInfo{Metric::store_operation_seconds, histogram, "tessera_store_operation_seconds",
               "How long operations on the object store take, by operation."},
    MetricInfo{Metric::store_bytes, counter, "tessera_store_bytes_total",
               "Bytes moved, by direction: in or out of the object store."},
    MetricInfo{Metric::events, counter, "tessera_events_total",
               "Events that the notifier has distributed, by type."},
    MetricInfo{Metric::event_delay_seconds, histogram, "tessera_event_delay_seconds",
               "From the change of a job to its event's distribution."},
    MetricInfo{Metric::event_subscribers, gauge, "tessera_event_subscribers", "Clients that follow events."},
    MetricInfo{Metric::webhook_attempts, counter, "tessera_webhook_attempts_total",
               "Webhook calls, by outcome: delivered or failed."},
    MetricInfo{Metric::job_phase_seconds, histogram, "tessera_job_phase_seconds",
               "Duration of job phases: wait (in the queue), fetch, turn (until ranks are free), work and "
               "store; process is the processing time that the ranks report."},
    MetricInfo{
        Metric::job_ends, counter, "tessera_job_ends_total",
        "Outcomes of jobs on this node: done, failed, given-back (requeued) or set-aside (dead-lettered)."},
    MetricInfo{Metric::rank_busy_seconds, counter, "tessera_rank_busy_seconds_total",
               "Total time that this node's ranks have worked on jobs."},
    MetricInfo{Metric::rank_group_restarts, gauge, "tessera_rank_group_restarts",
               "Restarts of this node's ranks."},
    MetricInfo{Metric::rank_connections_refused, gauge, "tessera_rank_connections_refused",
               "Refused connections to this node's address for ranks."},
};

const std::vector<double> second_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1,      2.5,   5,    10,    30,   60,  300};

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  std::map<Metric, prometheus::Family<prometheus::Counter>*> counters;
  std::map<Metric, prometheus::Family<prometheus::Gauge>*> gauges;
  std::map<Metric, prometheus::Family<prometheus::Histogram>*> histograms;

  Families() {
    for (const MetricInfo& info : metric_table) {
      const std::string name(info.name);
      const std::string doc(info.doc);
      switch (info.kind) {
        case counter:
          counters[info.metric] = &prometheus::BuildCounter().Name(name).Help(doc).Register(registry);
          break;
        case gauge:
          gauges[info.metric] = &prometheus::BuildGauge().Name(name).Help(doc).Register(registry);
          break;
        case histogram:
          histograms[info.metric] = &prometheus::BuildHistogram().Name(name).Help(doc).Register(registry);
          break;
      }
    }
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

std::span<const MetricInfo> Metrics::all() { return metric_table; }

void Metrics::add(Metric counter_metric, const MetricLabels& labels, double amount) {
  families_->counters.at(counter_metric)->Add(labels).Increment(amount);
}

void Metrics::set(Metric gauge_metric, const MetricLabels& labels, double value) {
  families_->gauges.at(gauge_metric)->Add(labels).Set(value);
}

void Metrics::observe(Metric histogram_metric, const MetricLabels& labels, double seconds) {
  families_->histograms.at(histogram_metric)->Add(labels, second_buckets).Observe(seconds);
}

Metrics::Reader Metrics::before_text(std::function<void()> read) {
  const std::scoped_lock lock(mutex_);
  readers_.emplace(++last_reader_, std::move(read));
  return {*this, last_reader_};
}

Metrics::Reader::~Reader() {
  if (metrics_ != nullptr) {
    const std::scoped_lock lock(metrics_->mutex_);
    metrics_->readers_.erase(id_);
  }
}

std::string Metrics::text() {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, read] : readers_) {
      try {
        read();
      } catch (const Error&) {
        continue;  // unavailable parts are reported by /readyz and in the log
      }
    }
  }
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

void mount_metrics(http::Router& router, Metrics& metrics, std::function<void(http::Request&)> admit) {
  router.add(
      "GET", "/metrics", std::move(admit),
      [&metrics](http::Request&) {
        return http::text_response(200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
      },
      operation({.id = "getMetrics",
                 .tag = "System",
                 .summary = "Metrics for Prometheus.",
                 .answers = {{200, "Metrics in the text format.", "Text",
                              "text/plain; version=0.0.4; charset=utf-8"}}}),
      http::Lane::heavy);
}

void count_request(Metrics& metrics, const http::AccessRecord& record) {
  // Client-controlled text must not become a label.
  const std::string route(record.route.empty() ? "none" : record.route);
  const std::string method = record.route.empty() ? "any" : record.request->method;
  metrics.add(Metric::http_requests,
              {{"method", method}, {"route", route}, {"status", std::to_string(record.status)}});
  metrics.observe(Metric::http_request_seconds, {{"route", route}},
                  std::chrono::duration<double>(record.duration).count());
}

}  // namespace tessera::service
