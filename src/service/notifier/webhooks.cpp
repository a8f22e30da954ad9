// SPDX-License-Identifier: Apache-2.0
#include "service/notifier/webhooks.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/error.hpp"
#include "log/guarded_thread.hpp"
#include "net/backoff.hpp"
#include "net/crypto.hpp"
#include "net/redact.hpp"
#include "ports/failpoint.hpp"
#include "ports/stored_json.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

constexpr int gone = 410;
/// The calls of a dead sender are made by others after this time beyond its timeout.
constexpr std::chrono::seconds lease_margin{15};
/// Limit for reading the response of a successful call; the connection is closed if there is more.
constexpr std::size_t max_response_bytes_read = std::size_t{64} << 10;

HttpOptions http_options(const WebhookOptions& options) {
  HttpOptions http;
  http.connect_timeout = options.answer_timeout;
  http.stall_timeout = options.answer_timeout;
  http.total_timeout = options.answer_timeout;
  http.max_attempts = 1;  // retries are scheduled in the store, where they survive this process
  http.max_body_bytes = std::int64_t{64} << 10;
  http.public_addresses_only = !options.allow_private_addresses;
  return http;
}

Json cloud_event(const WebhookCall& call, const Job& job, const std::string& source) {
  return {{"specversion", "1.0"},
          {"id", call.id},
          {"source", source.empty() ? "/v1/batches/" + job.batch_id : source},
          {"type", fmt::format("tessera.job.{}", to_string(job.state))},
          {"subject", job.id},
          {"time", to_iso8601(job.updated)},
          {"datacontenttype", "application/json"},
          {"data", {{"job", job_view(job)}, {"batch_finished", call.last}}}};
}

}  // namespace

WebhookSender::WebhookSender(WebhookOptions options, JobStore& jobs)
    : options_(std::move(options)), jobs_(jobs), http_(http_options(options_)) {
  for (int i = 0; i < options_.senders; ++i) {
    senders_.emplace_back([this](const std::stop_token& stop) {
      run_guarded("a webhook sender", options_.log.get(), stop, [&] { send_calls(stop); });
    });
  }
}

WebhookSender::~WebhookSender() { stop(); }

void WebhookSender::stop() {
  for (std::jthread& sender : senders_) {
    sender.request_stop();
  }
  senders_.clear();
}

void WebhookSender::nudge() {
  const std::scoped_lock lock(mutex_);
  has_nudge_ = true;
  nudged_.notify_one();
}

void WebhookSender::send_calls(const std::stop_token& stop) {
  Backoff backoff(options_.poll_interval, options_.poll_interval * 30);
  while (!stop.stop_requested()) {
    try {
      if (const auto turn = next_turn(stop)) {
        bool answered = false;
        try {
          answered = make(*turn, stop);
        } catch (...) {
          end(*turn, true);
          throw;
        }
        end(*turn, answered);
      }
      backoff.reset();
    } catch (const std::exception& error) {
      if (!stop.stop_requested() && options_.log) {
        options_.log->error("cannot process webhooks: {}", error.what());
      }
      pause(backoff.next(), stop);
    }
  }
}

std::optional<WebhookSender::Turn> WebhookSender::next_turn(const std::stop_token& stop) {
  const std::scoped_lock one_looks(claim_mutex_);
  while (!stop.stop_requested()) {
    if (const auto call = claim_call()) {
      if (auto turn = begin(*call)) {
        return turn;
      }
      continue;
    }
    std::unique_lock lock(mutex_);
    nudged_.wait_for(lock, stop, options_.poll_interval, [this] { return has_nudge_; });
    has_nudge_ = false;
  }
  return std::nullopt;
}

std::optional<WebhookCall> WebhookSender::claim_call() {
  const auto lease = options_.answer_timeout + lease_margin;
  std::vector<std::string> full;
  std::vector<std::string> excluded_owners;
  bool round_has_begun = false;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [owner, count] : in_flight_of_owner_) {
      if (count >= options_.max_per_owner) {
        full.push_back(owner);
      }
    }
    excluded_owners = full;
    excluded_owners.insert(excluded_owners.end(), served_.begin(), served_.end());
    round_has_begun = !served_.empty();
  }
  auto calls = jobs_.claim_webhook_calls(lease, 1, excluded_owners);
  if (calls.empty() && round_has_begun) {
    {
      const std::scoped_lock lock(mutex_);
      served_.clear();
    }
    calls = jobs_.claim_webhook_calls(lease, 1, full);
  }
  return calls.empty() ? std::nullopt : std::optional(calls.front());
}

std::optional<WebhookSender::Turn> WebhookSender::begin(const WebhookCall& call) {
  auto job = jobs_.find(call.job_id);
  auto batch = job ? jobs_.find_batch(job->batch_id) : std::nullopt;
  if (!batch || job->generation != call.generation || !is_final(job->state)) {
    jobs_.settle_webhook_call(call.id, std::nullopt);
    return std::nullopt;
  }
  const std::string authority = authority_of_url(batch->webhook_url);
  const TimePoint now = options_.now();
  std::optional<TimePoint> later;
  {
    const std::scoped_lock lock(mutex_);
    served_.insert(job->owner);
    Host& host = hosts_[authority];
    // A rest longer than the maximum was started by a clock that was ahead.
    if (host.rests_until > now && host.rests_until <= now + options_.max_rest) {
      later = host.rests_until;
    } else if (host.in_flight >= (host.unanswered > 0 ? 1 : options_.max_per_host)) {
      // Spread, so that many calls to one host are not all retried at the same time.
      later = now + options_.host_pause * (1 + host.waiting++ / options_.max_per_host);
    } else {
      ++host.in_flight;
      host.waiting = 0;
      ++in_flight_of_owner_[job->owner];
    }
  }
  if (later) {
    jobs_.postpone_webhook_call(call.id, *later);
    return std::nullopt;
  }
  return Turn{call, *std::move(job), *std::move(batch), authority};
}

void WebhookSender::end(const Turn& turn, bool answered) {
  const std::scoped_lock lock(mutex_);
  if (--in_flight_of_owner_[turn.job.owner] == 0) {
    in_flight_of_owner_.erase(turn.job.owner);
  }
  Host& host = hosts_[turn.host];
  --host.in_flight;
  host.unanswered = answered ? 0 : host.unanswered + 1;
  if (host.unanswered >= options_.unanswered_before_rest) {
    constexpr int max_doublings = 16;
    const int doublings = std::min(host.unanswered - options_.unanswered_before_rest, max_doublings);
    host.rests_until = options_.now() + std::min(options_.max_rest, options_.first_rest * (1 << doublings));
  }
  const bool idle = host.in_flight == 0 && host.unanswered == 0;
  if (idle) {
    hosts_.erase(turn.host);
  }
  // The owner or the host may have a free slot now.
  has_nudge_ = true;
  nudged_.notify_one();
}

bool WebhookSender::make(const Turn& turn, const std::stop_token& stop) {
  const WebhookCall& call = turn.call;
  const Batch& batch = turn.batch;
  const std::string receiver = origin_of_url(batch.webhook_url);  // the path may be secret
  reach(Failpoint::webhook_taken);
  HttpRequest request;
  request.method = "POST";
  request.url = batch.webhook_url;
  request.shown_as = receiver;
  request.body = stored_text(cloud_event(call, turn.job, options_.source));
  const std::string time = std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(options_.now().time_since_epoch()).count());
  const std::string signature =
      to_base64(hmac_sha256(batch.webhook_secret, fmt::format("{}.{}.{}", call.id, time, request.body)));
  request.headers = {{"Content-Type", "application/cloudevents+json; charset=utf-8"},
                     {"webhook-id", call.id},
                     {"webhook-timestamp", time},
                     {"webhook-signature", "v1," + signature}};
  // The status alone decides whether the call succeeded: the rest of the response may be long, or endless.
  bool accepted = false;
  request.on_head = [&](const HttpResponse&) { accepted = true; };
  request.on_data = [taken = std::size_t{0}](std::string_view bytes) mutable {
    taken += bytes.size();
    return taken <= max_response_bytes_read;
  };
  std::string failure;
  bool given_up = false;
  bool answered = true;
  try {
    const HttpResponse response = http_.send(request, stop);
    if (response.status < 200 || response.status > 299) {
      failure = fmt::format("'{}' answered {}.", receiver, response.status);
      given_up = response.status == gone;
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
      throw;  // another sender makes the call when the lease ends
    }
    if (!accepted) {
      failure = error.what();
      given_up = error.code() == ErrorCode::forbidden;
      answered = error.code() != ErrorCode::unavailable;
    }
  }
  reach(Failpoint::webhook_answered);
  if (options_.on_attempt) {
    options_.on_attempt(failure.empty());
  }
  if (!failure.empty() && !given_up && call.attempt < options_.max_attempts) {
    postpone(call, batch, failure);
    return answered;
  }
  if (!failure.empty() && options_.log) {
    options_.log->error("webhook {} of batch {} is given up after {} attempts: {}", call.id, batch.id,
                        call.attempt, failure);
  }
  jobs_.settle_webhook_call(call.id, std::nullopt);
  return answered;
}

void WebhookSender::postpone(const WebhookCall& call, const Batch& batch, const std::string& reason) {
  constexpr int max_doublings = 20;
  const auto pause =
      std::min(options_.max_pause, options_.first_pause * (1 << std::min(call.attempt - 1, max_doublings)));
  jobs_.settle_webhook_call(call.id, options_.now() + pause);
  if (options_.log) {
    options_.log->warn("webhook {} of batch {} will be retried in {} s: {}", call.id, batch.id,
                       std::chrono::duration_cast<std::chrono::seconds>(pause).count(), reason);
  }
}

}  // namespace tessera::service
