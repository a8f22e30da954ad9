// SPDX-License-Identifier: Apache-2.0
// Metrics of a service process, for Prometheus.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "http/server.hpp"

namespace tessera::service {

enum class Metric : std::uint8_t {
  // Gateway and notifier.
  http_requests,
  http_request_seconds,
  // Gateway: for the whole system.
  queue_messages,
  jobs,
  nodes,
  ranks,
  jobs_queued_again,
  removals_failed,
  unreadable_items,
  clock_jump_seconds,
  // All users of the object store.
  store_operations,
  store_operation_seconds,
  store_bytes,
  // Notifier.
  events,
  event_delay_seconds,
  event_subscribers,
  webhook_attempts,
  // Node.
  job_phase_seconds,
  job_ends,
  rank_busy_seconds,
  rank_group_restarts,
  rank_connections_refused,
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

struct MetricInfo {
  Metric metric;
  MetricKind kind;
  std::string_view name;  ///< in Prometheus
  std::string_view doc;
};

using MetricLabels = std::map<std::string, std::string>;

/// Safe to use from many threads.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void add(Metric counter, const MetricLabels& labels, double amount = 1);
  void set(Metric gauge, const MetricLabels& labels, double value);
  void observe(Metric histogram, const MetricLabels& labels, double seconds);

  /// Keeps a callback registered; must be destroyed before what the callback uses, and before the metrics.
  class Reader {
   public:
    Reader() = default;
    Reader(Metrics& metrics, int id) : metrics_(&metrics), id_(id) {}
    ~Reader();
    Reader(Reader&& other) noexcept : metrics_(std::exchange(other.metrics_, nullptr)), id_(other.id_) {}
    Reader& operator=(Reader&& other) noexcept {
      std::swap(metrics_, other.metrics_);
      std::swap(id_, other.id_);
      return *this;
    }

   private:
    Metrics* metrics_ = nullptr;
    int id_ = 0;
  };
  /// `read` is called before each text(), for gauges that are sampled rather than counted. If it throws
  /// Error, because something is unavailable, the gauges keep their values.
  [[nodiscard]] Reader before_text(std::function<void()> read);
  /// In Prometheus' text format.
  [[nodiscard]] std::string text();

  [[nodiscard]] static std::span<const MetricInfo> all();

 private:
  struct Families;
  std::unique_ptr<Families> families_;
  std::mutex mutex_;
  std::map<int, std::function<void()>> readers_;
  int last_reader_ = 0;
};

/// Adds GET /metrics for callers that `admit` accepts.
void mount_metrics(http::Router& router, Metrics& metrics, std::function<void(http::Request&)> admit);
/// Counts a request; for ServerOptions::on_request.
void count_request(Metrics& metrics, const http::AccessRecord& record);

}  // namespace tessera::service
