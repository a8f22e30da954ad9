// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/properties.hpp"

#include <string_view>

#include "base/error.hpp"
#include "ports/job.hpp"
#include "ports/stored_json.hpp"

namespace tessera {
namespace {

constexpr const char* reason_header = "x-tessera-reason";
constexpr const char* attempts_header = "x-tessera-attempts";
constexpr const char* time_header = "x-tessera-time-ms";
constexpr const char* earlier_header = "x-tessera-earlier-attempts";

const amqp_field_value_t* find(const amqp_table_t& table, std::string_view name) {
  for (int i = 0; i < table.num_entries; ++i) {
    if (amqp_text(table.entries[i].key) == name) {
      return &table.entries[i].value;
    }
  }
  return nullptr;
}

std::int64_t integer(const amqp_field_value_t* value) {
  if (value == nullptr) {
    return 0;
  }
  switch (value->kind) {
    case AMQP_FIELD_KIND_I8:
      return value->value.i8;
    case AMQP_FIELD_KIND_U8:
      return value->value.u8;
    case AMQP_FIELD_KIND_I16:
      return value->value.i16;
    case AMQP_FIELD_KIND_U16:
      return value->value.u16;
    case AMQP_FIELD_KIND_I32:
      return value->value.i32;
    case AMQP_FIELD_KIND_U32:
      return value->value.u32;
    case AMQP_FIELD_KIND_I64:
      return value->value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return static_cast<std::int64_t>(value->value.u64);
    default:
      return 0;
  }
}

std::string text(const amqp_field_value_t* value) {
  return value != nullptr && (value->kind == AMQP_FIELD_KIND_UTF8 || value->kind == AMQP_FIELD_KIND_BYTES)
             ? amqp_text(value->value.bytes)
             : std::string();
}

/// What the broker recorded when it dead-lettered the message (rabbitmq.com/dlx.html).
void read_death(const amqp_field_value_t* deaths, BrokerMessage& message) {
  if (deaths == nullptr || deaths->kind != AMQP_FIELD_KIND_ARRAY || deaths->value.array.num_entries == 0 ||
      deaths->value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE) {
    return;
  }
  const amqp_table_t& latest = deaths->value.array.entries[0].value.table;
  message.over_limit = text(find(latest, "reason")) == "delivery_limit";
  message.dead_lettered_at = TimePoint(std::chrono::seconds(integer(find(latest, "time"))));
}

}  // namespace

BrokerMessage read_properties(const amqp_basic_properties_t& properties) {
  BrokerMessage message;
  if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) {
    message.id = amqp_text(properties.message_id);
  }
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    const amqp_table_t& headers = properties.headers;
    message.returns = static_cast<int>(integer(find(headers, "x-delivery-count")));
    message.earlier_attempts = static_cast<int>(integer(find(headers, earlier_header)));
    read_death(find(headers, "x-death"), message);
    if (const amqp_field_value_t* const reason = find(headers, reason_header)) {
      message.reason = text(reason);
      message.attempts = static_cast<int>(integer(find(headers, attempts_header)));
      message.dead_lettered_at = TimePoint(std::chrono::milliseconds(integer(find(headers, time_header))));
    }
  }
  return message;
}

MessageProperties::MessageProperties(const BrokerMessage& message) {
  constexpr std::uint8_t persistent = 2;
  properties_._flags =
      AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG;
  properties_.content_type = amqp_cstring_bytes("application/json");
  properties_.delivery_mode = persistent;
  properties_.message_id = amqp_view(message.id);
  int headers = 0;
  const auto add = [&](const char* name, std::uint8_t kind) -> auto& {
    amqp_table_entry_t& header = headers_.at(static_cast<std::size_t>(headers++));
    header.key = amqp_cstring_bytes(name);
    header.value.kind = kind;
    return header.value.value;
  };
  if (message.dead_lettered_at != TimePoint{}) {
    add(reason_header, AMQP_FIELD_KIND_UTF8).bytes = amqp_view(message.reason);
    add(attempts_header, AMQP_FIELD_KIND_I32).i32 = message.attempts;
    add(time_header, AMQP_FIELD_KIND_I64).i64 = message.dead_lettered_at.time_since_epoch().count();
  } else if (message.earlier_attempts > 0) {
    add(earlier_header, AMQP_FIELD_KIND_I32).i32 = message.earlier_attempts;
  }
  if (headers > 0) {
    properties_._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties_.headers = {.num_entries = headers, .entries = headers_.data()};
  }
}

std::string encode_message(const QueueMessage& message) {
  return stored_text(Json{{"v", stored_version},
                          {"job_id", message.job_id},
                          {"generation", message.generation},
                          {"priority", to_string(message.priority)},
                          {"request_id", message.request_id}});
}

std::optional<QueueMessage> decode_message(const std::string& body) {
  try {
    constexpr const char* what = "the message of a job";
    const Json json = parse_stored(body, what);
    const StoredFields fields(json, what);
    return QueueMessage{.job_id = fields.text("job_id"),
                        .generation = fields.small_integer("generation", 1),
                        .priority = parse_priority(fields.text("priority", "interactive")),
                        .request_id = fields.text("request_id", "")};
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace tessera
