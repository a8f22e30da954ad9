// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/connection.hpp"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>

#include "adapters/rabbitmq/properties.hpp"
#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::chrono::milliseconds answer_timeout{5000};

timeval to_timeval(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_usec = std::chrono::microseconds(time - seconds).count()};
}

amqp_table_entry_t entry(const char* name, const char* text) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(name);
  result.value.kind = AMQP_FIELD_KIND_UTF8;
  result.value.value.bytes = amqp_cstring_bytes(text);
  return result;
}

amqp_table_entry_t entry(const char* name, std::int32_t number) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(name);
  result.value.kind = AMQP_FIELD_KIND_I32;
  result.value.value.i32 = number;
  return result;
}

amqp_table_entry_t able(const char* name) {
  amqp_table_entry_t result{};
  result.key = amqp_cstring_bytes(name);
  result.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  result.value.value.boolean = 1;
  return result;
}

template <std::size_t count>
amqp_table_t table(std::array<amqp_table_entry_t, count>& entries) {
  return {.num_entries = count, .entries = entries.data()};
}

amqp_socket_t* make_tls_socket(amqp_connection_state_t handle, const BrokerAddress& address) {
  amqp_socket_t* const socket = amqp_ssl_socket_new(handle);
  if (socket == nullptr) {
    throw Error(ErrorCode::unavailable, "Out of memory for a TLS connection to the broker.");
  }
  amqp_ssl_socket_set_verify_peer(socket, 1);
  // rabbitmq-c verifies host names only; OpenSSL accepts an IP address here and rejects a name.
  auto* const context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket));
  const bool is_address =
      X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(context), address.host.c_str()) == 1;
  amqp_ssl_socket_set_verify_hostname(socket, is_address ? 0 : 1);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  if (address.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (amqp_ssl_socket_set_cacert(socket, address.ca_file.c_str()) != AMQP_STATUS_OK) {
    throw Error(ErrorCode::unavailable,
                fmt::format("'{}' contains no certificates (PEM) for verifying the broker {}.",
                            address.ca_file, address.shown()));
  }
  if (!address.certificate_file.empty() &&
      amqp_ssl_socket_set_key(socket, address.certificate_file.c_str(), address.key_file.c_str()) !=
          AMQP_STATUS_OK) {
    throw Error(ErrorCode::unavailable,
                fmt::format("'{}' and '{}' are not a client certificate and key (PEM).",
                            address.certificate_file, address.key_file));
  }
  return socket;
}

}  // namespace

BrokerConnection::BrokerConnection(const BrokerAddress& address)
    : address_(address), handle_(amqp_new_connection()) {
  amqp_socket_t* const socket =
      address_.tls ? make_tls_socket(handle_.get(), address_) : amqp_tcp_socket_new(handle_.get());
  timeval timeout = to_timeval(address_.connect_timeout);
  amqp_set_handshake_timeout(handle_.get(), &timeout);
  require_sent(amqp_socket_open_noblock(socket, address_.host.c_str(), address_.port, &timeout),
               "accept a connection");
  log_in();
  timeout = to_timeval(answer_timeout);
  amqp_set_rpc_timeout(handle_.get(), &timeout);
}

void BrokerConnection::log_in() {
  constexpr int default_channels = 0;
  constexpr int default_frame_bytes = 131'072;
  std::array capabilities{able("connection.blocked"), able("consumer_cancel_notify")};
  std::array properties{entry("connection_name", "tessera"), amqp_table_entry_t{}};
  properties[1].key = amqp_cstring_bytes("capabilities");
  properties[1].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[1].value.value.table = table(capabilities);
  const amqp_table_t client = table(properties);
  require(
      amqp_login_with_properties(handle_.get(), address_.vhost.c_str(), default_channels, default_frame_bytes,
                                 static_cast<int>(address_.heartbeat.count()), &client,
                                 AMQP_SASL_METHOD_PLAIN, address_.user.c_str(), address_.password.c_str()),
      "accept the login");
}

void BrokerConnection::fail(const std::string& doing, const std::string& reason) const {
  throw Error(ErrorCode::unavailable,
              fmt::format("The broker {} did not {}: {}.", address_.shown(), doing, reason));
}

void BrokerConnection::fail_closed(const amqp_method_t& method, const std::string& doing) const {
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_channel_close_t*>(method.decoded);
    fail(doing, fmt::format("{} (code {})", amqp_text(close.reply_text), close.reply_code));
  }
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<const amqp_connection_close_t*>(method.decoded);
    fail(doing, fmt::format("{} (code {})", amqp_text(close.reply_text), close.reply_code));
  }
  fail(doing, fmt::format("it answered with method {:#x}", method.id));
}

void BrokerConnection::require(const amqp_rpc_reply_t& reply, const std::string& doing) const {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      fail_closed(reply.reply, doing);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      fail(doing, amqp_error_string2(reply.library_error));
    case AMQP_RESPONSE_NONE:
      break;
  }
  fail(doing, "it did not respond");
}

void BrokerConnection::require_last(const std::string& doing) const {
  require(amqp_get_rpc_reply(handle_.get()), doing);
}

void BrokerConnection::require_sent(int status, const std::string& doing) const {
  if (status != AMQP_STATUS_OK) {
    fail(doing, amqp_error_string2(status));
  }
}

void BrokerConnection::open_channel(amqp_channel_t channel) {
  amqp_channel_open(handle_.get(), channel);
  require_last("open a channel");
}

void BrokerConnection::close_channel(amqp_channel_t channel) {
  require(amqp_channel_close(handle_.get(), channel, AMQP_REPLY_SUCCESS), "close a channel");
}

void BrokerConnection::confirm_publishing(amqp_channel_t channel) {
  amqp_confirm_select(handle_.get(), channel);
  require_last("enable publisher confirms");
}

void BrokerConnection::declare(amqp_channel_t channel, const BrokerNames& names, int delivery_limit) {
  // Listing dead letters receives and requeues them. Without an explicit limit, RabbitMQ would requeue them
  // at the end (3.10) or drop them after 20 times (4.0).
  constexpr std::int32_t unlimited_deliveries = 1'000'000'000;
  std::array dead{entry("x-queue-type", "quorum"), entry("x-delivery-limit", unlimited_deliveries)};
  // At-least-once dead-lettering requires reject-publish; nothing is ever rejected, because the length is not
  // limited. The broker counts returns, this code counts attempts.
  std::array jobs{entry("x-queue-type", "quorum"), entry("x-delivery-limit", delivery_limit - 1),
                  entry("x-dead-letter-exchange", names.dead.c_str()),
                  entry("x-dead-letter-strategy", "at-least-once"), entry("x-overflow", "reject-publish")};
  const auto exchange = [&](const std::string& name, amqp_boolean_t durable) {
    amqp_exchange_declare(handle_.get(), channel, amqp_view(name), amqp_cstring_bytes("fanout"), 0, durable,
                          0, 0, amqp_empty_table);
    require_last(fmt::format("declare the exchange '{}'", name));
  };
  const auto queue = [&](const std::string& name, const amqp_table_t& arguments) {
    amqp_queue_declare(handle_.get(), channel, amqp_view(name), 0, 1, 0, 0, arguments);
    require_last(fmt::format(
        "declare the queue '{}' (if its settings differ, use the same delivery limit everywhere, or "
        "another prefix)",
        name));
  };
  exchange(names.dead, 1);
  exchange(names.wake, 0);
  queue(names.dead, table(dead));
  amqp_queue_bind(handle_.get(), channel, amqp_view(names.dead), amqp_view(names.dead), amqp_empty_bytes,
                  amqp_empty_table);
  require_last(fmt::format("bind the queue '{}'", names.dead));
  queue(names.interactive, table(jobs));
  queue(names.bulk, table(jobs));
}

std::int64_t BrokerConnection::count(amqp_channel_t channel, const std::string& queue) {
  const amqp_queue_declare_ok_t* const answer =
      amqp_queue_declare(handle_.get(), channel, amqp_view(queue), 1, 0, 0, 0, amqp_empty_table);
  require_last(fmt::format("count the messages in '{}'", queue));
  const std::int64_t messages = answer->message_count;
  amqp_maybe_release_buffers_on_channel(handle_.get(), channel);
  return messages;
}

void BrokerConnection::remove_queue(amqp_channel_t channel, const std::string& queue) {
  amqp_queue_delete(handle_.get(), channel, amqp_view(queue), 0, 0);
  require_last(fmt::format("remove the queue '{}'", queue));
}

void BrokerConnection::listen_for_wake_ups(amqp_channel_t channel, const BrokerNames& names) {
  std::array keep_one_message{entry("x-max-length", 1)};
  const amqp_queue_declare_ok_t* const answer =
      amqp_queue_declare(handle_.get(), channel, amqp_empty_bytes, 0, 0, 1, 1, table(keep_one_message));
  require_last("declare a queue for wake-ups");
  const std::string queue = amqp_text(answer->queue);
  amqp_queue_bind(handle_.get(), channel, amqp_view(queue), amqp_view(names.wake), amqp_empty_bytes,
                  amqp_empty_table);
  require_last("bind a queue for wake-ups");
  amqp_basic_consume(handle_.get(), channel, amqp_view(queue), amqp_empty_bytes, 0, 1, 1, amqp_empty_table);
  require_last("deliver wake-ups");
}

bool BrokerConnection::lock(amqp_channel_t channel, const std::string& queue) {
  constexpr int resource_locked = 405;
  amqp_queue_declare(handle_.get(), channel, amqp_view(queue), 0, 0, 1, 1, amqp_empty_table);
  const amqp_rpc_reply_t reply = amqp_get_rpc_reply(handle_.get());
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
      static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_code == resource_locked) {
    amqp_channel_close_ok_t closed{};
    require_sent(amqp_send_method(handle_.get(), channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed),
                 "confirm a closed channel");
    return false;
  }
  require(reply, fmt::format("lock '{}'", queue));
  return true;
}

std::optional<BrokerMessage> BrokerConnection::get(amqp_channel_t channel, const std::string& queue) {
  const std::string doing = fmt::format("deliver a message of '{}'", queue);
  const amqp_rpc_reply_t reply = amqp_basic_get(handle_.get(), channel, amqp_view(queue), 0);
  require(reply, doing);
  if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) {
    amqp_maybe_release_buffers_on_channel(handle_.get(), channel);
    return std::nullopt;
  }
  const std::uint64_t tag = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->delivery_tag;
  amqp_message_t content{};
  require(amqp_read_message(handle_.get(), channel, &content, 0), doing);
  BrokerMessage message = read_properties(content.properties);
  message.body = amqp_text(content.body);
  message.tag = tag;
  amqp_destroy_message(&content);
  amqp_maybe_release_buffers_on_channel(handle_.get(), channel);
  return message;
}

void BrokerConnection::publish(amqp_channel_t channel, const std::string& queue,
                               const BrokerMessage& message) {
  const MessageProperties properties(message);
  require_sent(amqp_basic_publish(handle_.get(), channel, amqp_empty_bytes, amqp_view(queue), 1, 0,
                                  &properties.get(), amqp_view(message.body)),
               "accept a message");
}

void BrokerConnection::wake(amqp_channel_t channel, const BrokerNames& names) {
  require_sent(amqp_basic_publish(handle_.get(), channel, amqp_view(names.wake), amqp_empty_bytes, 0, 0,
                                  nullptr, amqp_empty_bytes),
               "accept a wake-up");
}

void BrokerConnection::acknowledge(amqp_channel_t channel, std::uint64_t tag) {
  require_sent(amqp_basic_ack(handle_.get(), channel, tag, 0), "accept an acknowledgement");
}

void BrokerConnection::requeue(amqp_channel_t channel, std::uint64_t tag) {
  require_sent(amqp_basic_nack(handle_.get(), channel, tag, tag == 0 ? 1 : 0, 1), "requeue a message");
}

std::optional<amqp_frame_t> BrokerConnection::frame(std::chrono::milliseconds timeout) {
  amqp_maybe_release_buffers(handle_.get());
  amqp_frame_t frame{};
  const timeval limit = to_timeval(timeout);
  const int status = amqp_simple_wait_frame_noblock(handle_.get(), &frame, &limit);
  if (status == AMQP_STATUS_TIMEOUT) {
    return std::nullopt;
  }
  require_sent(status, "keep the connection");
  if (frame.frame_type == AMQP_FRAME_METHOD && (frame.payload.method.id == AMQP_CHANNEL_CLOSE_METHOD ||
                                                frame.payload.method.id == AMQP_CONNECTION_CLOSE_METHOD)) {
    fail_closed(frame.payload.method, "keep the connection");
  }
  return frame;
}

void BrokerConnection::close() {
  require(amqp_connection_close(handle_.get(), AMQP_REPLY_SUCCESS), "close the connection");
}

}  // namespace tessera
