// Tells the servers that clients have named how their jobs ended.
//
// A call is a POST of a CloudEvent (CloudEvents 1.0, structured JSON), signed as the Standard Webhooks
// specification says: webhook-id, webhook-timestamp, and webhook-signature "v1," + base64 of the
// HMAC-SHA-256, under the client's secret, of "ID.TIMESTAMP.BODY". Any 2xx answer ends it; 410 gives it up;
// everything else is tried again, later and later. Calls may come twice and out of order: their ids tell.
//
// Owners take turns, and none holds more than a part of the senders; a host gets a few calls at a time, and
// rests for a while when it has not answered several times in a row. So nobody's calls wait for another's
// slow receiver.
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
  std::string source;  ///< of the CloudEvents: the service's URL
  /// Else only addresses of the public Internet are called, so that clients cannot reach into the network
  /// that the service stands in.
  bool allow_private_addresses = false;
  int senders = 16;       ///< calls at once
  int max_per_owner = 4;  ///< of them
  int max_per_host = 4;
  std::chrono::milliseconds host_pause{50};  ///< a call whose host has so many is looked at again after that
  int silences_to_rest = 3;                  ///< calls in a row without an answer, after which a host rests
  std::chrono::milliseconds first_rest{30'000};  ///< doubled with each further silence
  std::chrono::milliseconds longest_rest{1'800'000};
  int max_attempts = 12;
  std::chrono::milliseconds first_pause{5'000};        ///< doubled after each attempt
  std::chrono::milliseconds longest_pause{3'600'000};  ///< less than farthest_webhook_call
  std::chrono::milliseconds answer_timeout{15'000};
  std::chrono::milliseconds poll_interval{1'000};  ///< when nobody nudges
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
  /// Some call may be due now.
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
    int waiting = 0;   ///< put off since the last that was let through
    int silences = 0;  ///< in a row
    TimePoint rests_until{};
  };
  void send_calls(const std::stop_token& stop);
  [[nodiscard]] std::optional<Turn> next_turn(const std::stop_token& stop);
  /// A call that is due, of an owner whose turn it is.
  [[nodiscard]] std::optional<WebhookCall> take_call();
  /// Whether the call may be made now; else it is put off.
  [[nodiscard]] std::optional<Turn> begin(const WebhookCall& call);
  void end(const Turn& turn, bool answered);
  /// Returns whether the host answered, whatever it was.
  bool make(const Turn& turn, const std::stop_token& stop);
  void put_off(const WebhookCall& call, const Batch& batch, const std::string& reason);

  WebhookOptions options_;
  JobStore& jobs_;
  HttpClient http_;
  std::mutex taking_;  ///< held by the one sender that looks for calls
  std::mutex mutex_;
  std::condition_variable_any nudged_;
  bool has_nudge_ = false;
  // Guarded by mutex_:
  std::map<std::string, int> in_flight_of_owner_;
  std::map<std::string, Host> hosts_;  ///< that have calls under way or have been silent
  std::set<std::string> served_;       ///< owners that have had their turn in this round
  std::vector<std::jthread> senders_;
};

}  // namespace tessera::service
