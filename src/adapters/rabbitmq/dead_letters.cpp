// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/dead_letters.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <tuple>

#include "adapters/rabbitmq/connection.hpp"
#include "adapters/rabbitmq/properties.hpp"
#include "base/error.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr amqp_channel_t channel = 1;
constexpr auto max_listing_time = 60s;
constexpr auto retry_interval = 20ms;

class DeadLetterQueue {
 public:
  DeadLetterQueue(const BrokerAddress& address, int delivery_limit)
      : names_(address.prefix), connection_(address), delivery_limit_(delivery_limit) {
    connection_.open_channel(channel);
    connection_.declare(channel, names_, delivery_limit_);
    while (!connection_.lock(channel, names_.dead_letter_lock)) {
      pause("lock the dead letters: other clients keep reading them");
      connection_.open_channel(channel);
    }
    present_ = connection_.count(channel, names_.dead);
  }

  std::optional<BrokerMessage> next() {
    if (std::chrono::steady_clock::now() > deadline_) {
      connection_.fail("list all dead letters",
                       fmt::format("there are too many to read in {}", max_listing_time));
    }
    auto message = connection_.get(channel, names_.dead);
    held_ += message ? 1 : 0;
    return message;
  }

  void remove(const BrokerMessage& message) {
    connection_.acknowledge(channel, message.tag);
    --held_;
    --present_;
  }

  void publish(const QueueMessage& message, std::chrono::milliseconds timeout) {
    connection_.confirm_publishing(channel);
    connection_.publish(channel, names_.of(message.priority),
                        {.id = new_id("msg", system_now()), .body = encode_message(message)});
    const SteadyTime limit = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const auto frame = connection_.frame(std::max(
          0ms, std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now())));
      const auto method = frame && frame->frame_type == AMQP_FRAME_METHOD ? frame->payload.method.id : 0;
      if (method == AMQP_BASIC_ACK_METHOD) {
        break;
      }
      if (!frame || method == AMQP_BASIC_NACK_METHOD || method == AMQP_BASIC_RETURN_METHOD) {
        connection_.fail("requeue a dead letter", frame ? "it rejected it" : "it did not confirm it in time");
      }
    }
    connection_.wake(channel, names_);
  }

  /// Requeues all letters that were read; they are in the queue again when this returns.
  void requeue_all() {
    if (held_ > 0) {
      connection_.requeue(channel, 0);
      while (connection_.count(channel, names_.dead) < present_) {
        pause("requeue the dead letters");
      }
    }
    connection_.close();
  }

 private:
  void pause(const char* doing) const {
    if (std::chrono::steady_clock::now() > deadline_) {
      connection_.fail(doing, fmt::format("it took longer than {}", max_listing_time));
    }
    std::this_thread::sleep_for(retry_interval);  // the broker sends no notification
  }

  const SteadyTime deadline_ = std::chrono::steady_clock::now() + max_listing_time;
  BrokerNames names_;
  BrokerConnection connection_;
  int delivery_limit_;
  std::int64_t present_ = 0;
  std::int64_t held_ = 0;
};

DeadLetter letter_from(const BrokerMessage& message, int delivery_limit) {
  DeadLetter letter{.id = message.id,
                    .message = decode_message(message.body).value_or(QueueMessage{}),
                    .reason = message.reason,
                    .attempts = message.attempts,
                    .when = message.dead_lettered_at};
  if (message.reason.empty() && message.over_limit) {
    letter.attempts = message.earlier_attempts + delivery_limit;
    letter.reason = fmt::format("Delivered {} times without success, which is the limit.", letter.attempts);
  }
  return letter;
}

}  // namespace

std::vector<DeadLetter> list_dead_letters(const BrokerAddress& address, int delivery_limit, int limit) {
  DeadLetterQueue queue(address, delivery_limit);
  std::vector<DeadLetter> letters;
  // All of them, because letters that were read do not keep their position.
  while (const auto message = queue.next()) {
    letters.push_back(letter_from(*message, delivery_limit));
  }
  queue.requeue_all();
  std::ranges::sort(letters, {}, [](const DeadLetter& letter) { return std::tie(letter.when, letter.id); });
  letters.resize(std::min(letters.size(), static_cast<std::size_t>(std::max(limit, 0))));
  return letters;
}

bool remove_dead_letter(const BrokerAddress& address, const QueueOptions& options, const std::string& id,
                        bool retry) {
  DeadLetterQueue queue(address, options.delivery_limit);
  bool found = false;
  while (const auto message = queue.next()) {
    if (message->id != id) {
      continue;
    }
    if (retry) {
      const auto job = decode_message(message->body);
      if (!job) {
        queue.requeue_all();
        throw Error(
            ErrorCode::conflict,
            fmt::format("The dead letter '{}' names no job, so it cannot be retried: delete it.", id));
      }
      queue.publish(*job, options.publish_timeout);
    }
    queue.remove(*message);
    found = true;
    break;
  }
  queue.requeue_all();
  return found;
}

}  // namespace tessera
