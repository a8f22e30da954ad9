// Tells the servers that clients have named how their jobs ended.
//
// A call is a POST of a CloudEvent (CloudEvents 1.0, structured JSON), signed as the Standard Webhooks
// specification says: webhook-id, webhook-timestamp, and webhook-signature "v1," + base64 of the
// HMAC-SHA-256, under the client's secret, of "ID.TIMESTAMP.BODY". Any 2xx answer ends it; 410 gives it up;
// everything else is tried again, later and later. Calls may come twice and out of order: their ids tell.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
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
  int senders = 8;  ///< calls at once
  int max_attempts = 12;
  std::chrono::milliseconds first_pause{5'000};  ///< doubled after each attempt
  std::chrono::milliseconds longest_pause{3'600'000};
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
  void send_calls(const std::stop_token& stop);
  [[nodiscard]] std::vector<WebhookCall> next_call(const std::stop_token& stop);
  void make(const WebhookCall& call, const std::stop_token& stop);
  void put_off(const WebhookCall& call, const Batch& batch, const std::string& reason);

  WebhookOptions options_;
  JobStore& jobs_;
  HttpClient http_;
  std::mutex taking_;  ///< held by the one sender that looks for calls
  std::mutex mutex_;
  std::condition_variable_any nudged_;
  bool has_nudge_ = false;
  std::vector<std::jthread> senders_;
};

}  // namespace tessera::service
