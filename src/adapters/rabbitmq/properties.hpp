// What stands on a message beside its body.
#pragma once

#include <amqp.h>

#include <array>
#include <optional>
#include <string>

#include "adapters/rabbitmq/connection.hpp"

namespace tessera {

/// All but body and tag.
[[nodiscard]] BrokerMessage read_properties(const amqp_basic_properties_t& properties);

/// The properties to publish a message with. They refer to it, so it must live longer.
class MessageProperties {
 public:
  explicit MessageProperties(const BrokerMessage& message);
  MessageProperties(const MessageProperties&) = delete;
  MessageProperties& operator=(const MessageProperties&) = delete;
  [[nodiscard]] const amqp_basic_properties_t& get() const { return properties_; }

 private:
  std::array<amqp_table_entry_t, 3> headers_{};
  amqp_basic_properties_t properties_{};
};

[[nodiscard]] std::string encode_message(const QueueMessage& message);
/// Nothing if the body is not one that encode_message() wrote.
[[nodiscard]] std::optional<QueueMessage> decode_message(const std::string& body);

}  // namespace tessera
