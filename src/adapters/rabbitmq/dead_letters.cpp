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
constexpr auto longest_look = 60s;
constexpr auto retry_interval = 20ms;

class DeadLetterQueue {
 public:
  DeadLetterQueue(const BrokerAddress& address, int delivery_limit)
      : names_(address.prefix), connection_(address), delivery_limit_(delivery_limit) {
    connection_.open_channel(channel);
    connection_.declare(channel, names_, delivery_limit_);
    while (!connection_.lock(channel, names_.dead_lock)) {
      pause("be alone with the dead letters: somebody else looks at them all the time");
      connection_.open_channel(channel);
    }
    present_ = connection_.count(channel, names_.dead);
  }

  std::optional<BrokerMessage> next() {
    if (std::chrono::steady_clock::now() > deadline_) {
      connection_.fail("show all dead letters", fmt::format("there are too many for {}", longest_look));
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

  void publish(const QueueMessage& message, std::chrono::milliseconds patience) {
    connection_.confirm_publishing(channel);
    connection_.publish(channel, names_.of(message.priority),
                        {.id = new_id("msg", system_now()), .body = encode_message(message)});
    const SteadyTime limit = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto frame = connection_.frame(std::max(
          0ms, std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now())));
      const auto method = frame && frame->frame_type == AMQP_FRAME_METHOD ? frame->payload.method.id : 0;
      if (method == AMQP_BASIC_ACK_METHOD) {
        break;
      }
      if (!frame || method == AMQP_BASIC_NACK_METHOD || method == AMQP_BASIC_RETURN_METHOD) {
        connection_.fail("take the message of a dead letter back into the line",
                         frame ? "it refused it" : "it did not confirm it in time");
      }
    }
    connection_.wake(channel, names_);
  }

  /// All that was looked at goes back, and is there again when this returns.
  void put_back() {
    if (held_ > 0) {
      connection_.give_back(channel, 0);
      while (connection_.count(channel, names_.dead) < present_) {
        pause("put the dead letters back");
      }
    }
    connection_.close();
  }

 private:
  void pause(const char* doing) const {
    if (std::chrono::steady_clock::now() > deadline_) {
      connection_.fail(doing, fmt::format("it has had {} for it", longest_look));
    }
    std::this_thread::sleep_for(retry_interval);  // the broker tells nobody when it is done
  }

  const SteadyTime deadline_ = std::chrono::steady_clock::now() + longest_look;
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
                    .when = message.dead_since};
  if (message.reason.empty() && message.over_limit) {
    letter.attempts = message.earlier_attempts + delivery_limit;
    letter.reason = fmt::format("Taken {} times without success, which is the limit.", letter.attempts);
  }
  return letter;
}

}  // namespace

std::vector<DeadLetter> list_dead_letters(const BrokerAddress& address, int delivery_limit, int limit) {
  DeadLetterQueue queue(address, delivery_limit);
  std::vector<DeadLetter> letters;
  // All of them, as what was looked at before does not keep its place.
  while (const auto message = queue.next()) {
    letters.push_back(letter_from(*message, delivery_limit));
  }
  queue.put_back();
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
        queue.put_back();
        throw Error(ErrorCode::conflict,
                    fmt::format("The dead letter '{}' names no job, so it cannot be retried: drop it.", id));
      }
      queue.publish(*job, options.publish_timeout);
    }
    queue.remove(*message);
    found = true;
    break;
  }
  queue.put_back();
  return found;
}

}  // namespace tessera
