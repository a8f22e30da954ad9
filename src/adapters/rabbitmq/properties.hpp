// SPDX-License-Identifier: Apache-2.0
// Message properties and bodies.
#pragma once

#include <amqp.h>

#include <array>
#include <optional>
#include <string>

#include "adapters/rabbitmq/connection.hpp"

namespace tessera {

/// Reads everything but body and tag.
[[nodiscard]] BrokerMessage read_properties(const amqp_basic_properties_t& properties);

/// The properties for publishing a message. They refer to it, so it must outlive them.
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
/// Nothing if the body was not written by encode_message().
[[nodiscard]] std::optional<QueueMessage> decode_message(const std::string& body);

}  // namespace tessera
