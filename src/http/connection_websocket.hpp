// SPDX-License-Identifier: Apache-2.0
// WebSocket connections.
#pragma once

#include "http/connection.hpp"

namespace tessera::http {

template <class Stream>
awaitable<void> StreamConnection<Stream>::write_websocket(const RequestReader& reader, PushContent content) {
  constexpr std::size_t max_client_message_bytes = std::size_t{64} << 10;
  // From here on the WebSocket's own timeouts apply: pings are sent after half the idle time.
  beast::get_lowest_layer(*stream_).expires_never();
  const auto socket = std::make_shared<websocket::stream<Stream&>>(*stream_);
  socket->set_option(
      websocket::stream_base::timeout{state_->options.header_timeout, std::chrono::seconds(60), true});
  socket->read_message_max(max_client_message_bytes);
  channel_ = content.channel;
  const auto channel = channel_;
  const auto [refused] = co_await socket->async_accept(reader.get(), token);
  if (refused) {
    channel->close();
    channel_.reset();
    co_return;
  }
  // Reading handles pings and detects the end; messages from clients are ignored.
  const auto reading = std::make_shared<bool>(true);
  const auto wake = std::make_shared<asio::steady_timer>(stream_->get_executor());
  asio::co_spawn(
      stream_->get_executor(),
      [](std::shared_ptr<StreamConnection> self, decltype(socket) from, std::shared_ptr<Channel> to,
         std::shared_ptr<bool> alive, std::shared_ptr<asio::steady_timer> waker) -> awaitable<void> {
        beast::flat_buffer ignored;
        for (;;) {
          const auto [problem, count] = co_await from->async_read(ignored, token);
          if (problem) {
            break;
          }
          ignored.consume(count);
        }
        static_cast<void>(self);
        *alive = false;
        to->close();
        waker->cancel();
      }(this->shared_from_this(), socket, channel, reading, wake),
      asio::detached);
  const ChannelWaker waker(*channel, cancels(wake));
  if (stopping_) {
    channel->finish();
  }
  socket->text(true);
  for (bool open = true; open;) {
    const Channel::Taken taken = channel->take();
    for (const Message& message : taken.messages) {
      const auto [problem, count] = co_await socket->async_write(asio::buffer(*message), token);
      sent_bytes_ += static_cast<std::int64_t>(count);
      if (problem) {
        open = false;
        break;
      }
    }
    if (taken.ended) {
      open = false;
    }
    if (open && taken.messages.empty()) {
      wake->expires_at(std::chrono::steady_clock::time_point::max());
      co_await wake->async_wait(token);
    }
  }
  channel->close();
  if (*reading) {
    // Do not wait long for the client's close frame.
    asio::steady_timer closing(stream_->get_executor(), std::chrono::seconds(1));
    closing.async_wait([self = this->shared_from_this()](const error_code& cancelled) {
      if (!cancelled) {
        self->close_socket();
      }
    });
    co_await socket->async_close(websocket::close_code::going_away, token);
    closing.cancel();
    // The reader uses this socket until it has ended.
    while (*reading) {
      wake->expires_after(std::chrono::seconds(1));
      const auto [cancelled] = co_await wake->async_wait(token);
      if (!cancelled) {
        close_socket();
      }
    }
  }
  channel_.reset();
  watched_ = true;
}

}  // namespace tessera::http
