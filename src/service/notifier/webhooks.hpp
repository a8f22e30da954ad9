// SPDX-License-Identifier: Apache-2.0
// Webhooks: notify servers that clients have named about finished jobs.
//
// A call is a POST of a CloudEvent (CloudEvents 1.0, structured JSON), signed according to the Standard
// Webhooks specification: webhook-id, webhook-timestamp, and webhook-signature "v1," + base64 of the
// HMAC-SHA-256, with the client's secret, of "ID.TIMESTAMP.BODY". Any 2xx response completes it; 410 cancels
// it; everything else is retried with growing delays. Calls may be duplicated and reordered: receivers
// compare their ids.
//
// Senders are shared fairly: owners take turns, each with a limited number of senders; a host gets a few
// concurrent calls, and is paused for a while after several consecutive calls without a response. So a slow
// receiver does not delay other owners' calls.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/http_client.hpp"
#include "ports/job_store.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct WebhookOptions {
  std::string source;  ///< source attribute of the CloudEvents: the service's URL
  /// If false, only addresses on the public Internet are called, so that clients cannot reach into the
  /// service's network.
  bool allow_private_addresses = false;
  int senders = 16;       ///< concurrent calls
  int max_per_owner = 4;  ///< concurrent calls per owner
  int max_per_host = 4;
  std::chrono::milliseconds host_pause{50};  ///< retry delay of a call whose host is at its limit
  int unanswered_before_rest = 3;  ///< consecutive calls without a response after which a host is paused
  std::chrono::milliseconds first_rest{30'000};  ///< doubled with each further failure
  std::chrono::milliseconds max_rest{1'800'000};
  int max_attempts = 12;
  std::chrono::milliseconds first_pause{5'000};    ///< doubled after each attempt
  std::chrono::milliseconds max_pause{3'600'000};  ///< less than farthest_webhook_call
  std::chrono::milliseconds answer_timeout{15'000};
  std::chrono::milliseconds poll_interval{1'000};  ///< without nudge()
  Clock now = system_now;
  std::shared_ptr<spdlog::logger> log;
  std::function<void(bool delivered)> on_attempt;
};

class WebhookSender {
 public:
  /// `jobs` must outlive it.
  WebhookSender(WebhookOptions options, JobStore& jobs);
  ~WebhookSender();  ///< stop()
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;
  /// Wakes the senders: a call may be due.
  void nudge();
  void stop();

 private:
  struct Turn {
    WebhookCall call;
    Job job;
    Batch batch;
    std::string host;  ///< and port
  };
  struct Host {
    int in_flight = 0;
    int waiting = 0;     ///< calls postponed since the last one that was started
    int unanswered = 0;  ///< consecutive calls without a response
    TimePoint rests_until{};
  };
  void send_calls(const std::stop_token& stop);
  [[nodiscard]] std::optional<Turn> next_turn(const std::stop_token& stop);
  /// Claims a due call of an owner whose turn it is.
  [[nodiscard]] std::optional<WebhookCall> claim_call();
  /// Starts the call if it may be made now; otherwise postpones it.
  [[nodiscard]] std::optional<Turn> begin(const WebhookCall& call);
  void end(const Turn& turn, bool answered);
  /// Makes the call. Returns whether the host responded, with any status.
  bool make(const Turn& turn, const std::stop_token& stop);
  void postpone(const WebhookCall& call, const Batch& batch, const std::string& reason);

  WebhookOptions options_;
  JobStore& jobs_;
  HttpClient http_;
  std::mutex claim_mutex_;  ///< held by the sender that claims calls
  std::mutex mutex_;
  std::condition_variable_any nudged_;
  bool has_nudge_ = false;
  // Guarded by mutex_:
  std::map<std::string, int> in_flight_of_owner_;
  std::map<std::string, Host> hosts_;  ///< hosts with active calls or recent failures
  std::set<std::string> served_;       ///< owners served in this round
  std::vector<std::jthread> senders_;
};

}  // namespace tessera::service
