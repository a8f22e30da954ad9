// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/job_queue.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "adapters/rabbitmq/broker_thread.hpp"
#include "adapters/rabbitmq/dead_letters.hpp"
#include "adapters/rabbitmq/properties.hpp"
#include "base/error.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

class RabbitMqJobQueue final : public JobQueue {
 public:
  RabbitMqJobQueue(std::vector<BrokerAddress> addresses, const QueueOptions& options)
      : addresses_(std::move(addresses)),
        names_(addresses_.current().prefix),
        options_(options),
        thread_(addresses_, options.delivery_limit, state_) {}

  void publish(const QueueMessage& message) override {
    const auto publication = publication_of(message);
    if (publish_and_wait(publication) != Publication::End::confirmed) {
      throw not_confirmed(*publication, message);
    }
  }

  Published publish_all(std::span<const QueueMessage> messages) override {
    std::vector<std::shared_ptr<Publication>> publications;
    for (const QueueMessage& message : messages) {
      publications.push_back(publication_of(message));
    }
    publish_all_and_wait(publications);
    const auto missing = std::ranges::find_if(publications, [](const auto& publication) {
      return publication->end != Publication::End::confirmed;
    });
    Published published{static_cast<std::size_t>(missing - publications.begin()), {}};
    if (published.count < messages.size()) {
      published.problem = not_confirmed(**missing, messages[published.count]).what();
    }
    return published;
  }

  std::optional<Delivery> receive(std::chrono::milliseconds timeout) override {
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    std::unique_lock guard(state_.mutex);
    state_.changed.wait_until(guard, deadline, [&] { return ended() || has_room(); });
    if (ended() || !has_room()) {
      return std::nullopt;
    }
    Claim claim;
    state_.claims.push_back(&claim);
    state_.new_claims = true;
    state_.signal();
    using Stage = Claim::Stage;
    state_.changed.wait_until(guard, deadline, [&] {
      return claim.stage == Stage::done || (claim.stage == Stage::waiting && ended());
    });
    // The timeout is over. A message that is being fetched is still delivered, and the queue is polled at
    // least once; both take as long as the broker needs to respond.
    state_.changed.wait(guard, [&] {
      return claim.stage == Stage::done ||
             (claim.stage == Stage::waiting && (ended() || claim.polled || !state_.connected));
    });
    std::erase(state_.claims, &claim);
    state_.changed.notify_all();
    return claim.delivery;
  }

  void stop_receiving() override {
    const std::lock_guard guard(state_.mutex);
    state_.stopped_receiving = true;
    state_.changed.notify_all();
  }

  void acknowledge(std::uint64_t tag) override { end(tag, false); }
  void requeue(std::uint64_t tag) override { end(tag, true); }

  void dead_letter(std::uint64_t tag, const std::string& reason) override {
    auto publication = std::make_shared<Publication>();
    {
      const std::lock_guard guard(state_.mutex);
      const auto found = find_open(tag);
      if (found == state_.unacknowledged.end()) {
        return;
      }
      const UnacknowledgedMessage& message = found->second;
      publication->queue = names_.dead;
      publication->message = {.id = new_id("msg", system_now()),
                              .body = message.body,
                              .reason = reason,
                              .attempts = message.attempt,
                              .dead_lettered_at = system_now()};
      publication->copy_of = message.delivery;
    }
    const Publication::End end_of_it = publish_and_wait(publication);
    if (end_of_it == Publication::End::none) {
      end(tag, true);
    }
    {
      const std::lock_guard guard(state_.mutex);
      forget(tag);
    }
    if (end_of_it == Publication::End::none || end_of_it == Publication::End::refused) {
      throw not_accepted(*publication, "a message for the dead-letter queue", "It is requeued.");
    }
  }

  void postpone(std::uint64_t tag, std::chrono::milliseconds /*delay*/) override {
    // A quorum queue counts requeued messages (before RabbitMQ 4.3), and dead-letters them at the limit. So a
    // copy is published, and the delivery is acknowledged when the broker has confirmed the copy.
    std::unique_lock guard(state_.mutex);
    auto found = state_.unacknowledged.find(tag);
    if (found == state_.unacknowledged.end()) {
      return;
    }
    std::shared_ptr<Publication>& postponement = found->second.postponement;
    // A copy that is still being published is not sent twice.
    if (!postponement || postponement->end == Publication::End::refused) {
      if (!state_.is_open(found->second.delivery)) {
        forget(tag);
        return;
      }
      const auto message = decode_message(found->second.body);
      postponement = std::make_shared<Publication>();
      postponement->queue = names_.of(message ? message->priority : Priority::bulk);
      postponement->message = {.id = new_id("msg", system_now()),
                               .body = found->second.body,
                               .earlier_attempts = found->second.attempt - 1};
      postponement->copy_of = found->second.delivery;
      postponement->postpones = true;
      state_.outbox.push_back(postponement);
      state_.signal();
    }
    const std::shared_ptr<Publication> publication = postponement;
    state_.changed.wait_for(guard, options_.publish_timeout,
                            [&] { return publication->end != Publication::End::none; });
    if (publication->end == Publication::End::confirmed ||
        publication->end == Publication::End::connection_lost) {
      forget(tag);
      return;
    }
    guard.unlock();
    throw not_accepted(*publication, "a message to be postponed", "It remains unacknowledged.");
  }

  QueueDepth depth() override {
    const auto request = std::make_shared<DepthRequest>();
    std::unique_lock guard(state_.mutex);
    if (state_.connected || state_.problem.empty()) {
      state_.depth_requests.push_back(request);
      state_.signal();
      state_.changed.wait_for(guard, options_.publish_timeout, [&] { return request->done; });
    }
    if (!request->depth) {
      std::erase(state_.depth_requests, request);
      throw Error(ErrorCode::unavailable,
                  state_.problem.empty() ? fmt::format("The broker {} did not answer within {}.",
                                                       addresses_.current().shown(), options_.publish_timeout)
                                         : state_.problem);
    }
    return *request->depth;
  }

  std::vector<DeadLetter> dead_letters(int limit) override {
    return list_dead_letters(addresses_.current(), options_.delivery_limit, limit);
  }
  bool redrive(const std::string& id) override {
    return remove_dead_letter(addresses_.current(), options_, id, true);
  }
  bool purge(const std::string& id) override {
    return remove_dead_letter(addresses_.current(), options_, id, false);
  }

  void check() override { static_cast<void>(depth()); }

 private:
  // The members below that access state_ require its mutex.
  [[nodiscard]] bool ended() const { return state_.stopped_receiving || state_.closing; }
  [[nodiscard]] bool has_room() const {
    return static_cast<int>(state_.unacknowledged.size() + state_.claims.size()) < options_.prefetch;
  }
  void forget(std::uint64_t tag) {
    state_.unacknowledged.erase(tag);
    state_.changed.notify_all();
  }

  /// The delivery if it can still be settled; otherwise it is forgotten. Abandons a postponement that is not
  /// confirmed yet.
  std::map<std::uint64_t, UnacknowledgedMessage>::iterator find_open(std::uint64_t tag) {
    const auto found = state_.unacknowledged.find(tag);
    if (found == state_.unacknowledged.end()) {
      return found;
    }
    const std::shared_ptr<Publication>& postponement = found->second.postponement;
    if (!state_.is_open(found->second.delivery) ||
        (postponement && postponement->end == Publication::End::confirmed)) {
      forget(tag);
      return state_.unacknowledged.end();
    }
    if (postponement) {
      postponement->abandoned = true;
    }
    return found;
  }

  void end(std::uint64_t tag, bool requeue) {
    const std::lock_guard guard(state_.mutex);
    const auto found = find_open(tag);
    if (found != state_.unacknowledged.end()) {
      state_.settlements.push_back({.delivery = found->second.delivery, .requeue = requeue});
      state_.signal();
      forget(tag);
    }
  }

  /// Returns Publication::End::none on timeout; the message is then not sent any more.
  Publication::End publish_and_wait(const std::shared_ptr<Publication>& publication) {
    publish_all_and_wait({&publication, 1});
    return publication->end;
  }

  /// The same for many messages with one timeout. All are sent before the confirms are awaited.
  void publish_all_and_wait(std::span<const std::shared_ptr<Publication>> publications) {
    std::unique_lock guard(state_.mutex);
    state_.outbox.insert(state_.outbox.end(), publications.begin(), publications.end());
    state_.signal();
    auto open = publications.begin();
    state_.changed.wait_for(guard, options_.publish_timeout, [&] {
      open = std::find_if(open, publications.end(),
                          [](const auto& publication) { return publication->end == Publication::End::none; });
      return open == publications.end();
    });
    for (const auto& publication : publications) {
      publication->abandoned = true;
    }
  }

  [[nodiscard]] std::shared_ptr<Publication> publication_of(const QueueMessage& message) const {
    auto publication = std::make_shared<Publication>();
    publication->queue = names_.of(message.priority);
    publication->message = {.id = new_id("msg", system_now()), .body = encode_message(message)};
    return publication;
  }

  Error not_confirmed(const Publication& publication, const QueueMessage& message) {
    return not_accepted(publication, fmt::format("the message of job '{}'", message.job_id),
                        "The message may be in the queue nevertheless.");
  }

  Error not_accepted(const Publication& publication, const std::string& what, const char* consequence) {
    const std::lock_guard guard(state_.mutex);
    if (publication.end == Publication::End::refused) {
      return {ErrorCode::unavailable,
              fmt::format("The broker {} rejected {}: {}.", addresses_.current().shown(), what,
                          publication.returned ? fmt::format("there is no queue '{}'", publication.queue)
                                               : "the queue cannot accept it now")};
    }
    std::string why;
    if (!state_.connected) {
      why = state_.problem;
    } else if (!state_.blocked.empty()) {
      why = fmt::format("It currently accepts no messages: {}.", state_.blocked);
    }
    return {ErrorCode::unavailable,
            fmt::format("The broker {} did not confirm {} within {}. {}{}{}", addresses_.current().shown(),
                        what, options_.publish_timeout, why, why.empty() ? "" : " ", consequence)};
  }

  BrokerAddresses addresses_;
  const BrokerNames names_;
  const QueueOptions options_;
  BrokerState state_;
  BrokerThread thread_;
};

}  // namespace

std::unique_ptr<JobQueue> open_rabbitmq_job_queue(std::vector<BrokerAddress> addresses,
                                                  const QueueOptions& options) {
  return std::make_unique<RabbitMqJobQueue>(std::move(addresses), options);
}

}  // namespace tessera
