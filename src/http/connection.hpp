// SPDX-License-Identifier: Apache-2.0
// One client's connection: reads requests, dispatches them, writes responses. Private to the layer; a
// template over the stream, plain or TLS, instantiated once for each.
#pragma once

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "http/problem.hpp"
#include "http/request_reader.hpp"
#include "http/server_state.hpp"

namespace tessera::http {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::awaitable;
using boost::system::error_code;

template <class Stream>
class StreamConnection final : public Connection,
                               public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  StreamConnection(std::shared_ptr<Server::State> state, Stream stream)
      : state_(std::move(state)), stream_(std::make_shared<Stream>(std::move(stream))) {
    error_code ignored;
    const auto address = beast::get_lowest_layer(*stream_).socket().remote_endpoint(ignored).address();
    peer_ = address.to_string();
    network_ = network_of(address);
    state_->enter(this, network_);
  }
  ~StreamConnection() override { state_->leave(this, network_); }
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  void start() {
    spawn("a connection", [self = this->shared_from_this()] { return self->run(); });
  }
  void stop() override {
    on_strand([](StreamConnection& self) {
      self.stopping_ = true;
      if (self.idle_) {
        self.close_socket();
      }
      if (self.channel_) {
        self.channel_->finish();
      }
    });
  }
  void abort() override {
    on_strand([](StreamConnection& self) { self.close_socket(); });
  }

 private:
  static constexpr auto token = asio::as_tuple(asio::use_awaitable);

  /// Runs on the connection's strand. An exception closes the connection and is logged.
  template <class Coroutine>
  void spawn(std::string_view what, Coroutine coroutine) {
    asio::co_spawn(stream_->get_executor(), std::move(coroutine),
                   [self = this->shared_from_this(), what](const std::exception_ptr& error) {
                     if (error) {
                       self->state_->log_defect(what, error);
                       self->close_socket();
                     }
                   });
  }
  template <class Action>
  void on_strand(Action action) {
    asio::post(stream_->get_executor(), [weak = this->weak_from_this(), action] {
      if (const auto self = weak.lock()) {
        action(*self);
      }
    });
  }
  /// A waker for a channel: cancels the timer's wait, from any thread.
  [[nodiscard]] std::function<void()> cancels(std::shared_ptr<asio::steady_timer> timer) const {
    return [timer = std::move(timer), executor = stream_->get_executor()] {
      asio::post(executor, [timer] { timer->cancel(); });
    };
  }
  void close_socket() {
    beast::get_lowest_layer(*stream_).close();
    if (channel_) {
      channel_->close();
    }
  }
  void limit_time(std::chrono::milliseconds time) { beast::get_lowest_layer(*stream_).expires_after(time); }

  awaitable<void> run();
  awaitable<bool> wait_for_request();
  awaitable<bool> serve_one();
  /// False: the response is already decided and the body was not completely read.
  awaitable<bool> read_body(RequestReader& reader, Request& request, const Route& route, BodyMemory& memory,
                            std::optional<Response>& refusal);
  /// Runs the task in the lane of the route, and detects meanwhile if the client disconnects.
  awaitable<Response> work(Lane lane, std::function<Response()> task, const Request& request);
  void watch_client(std::shared_ptr<Cancellation> cancellation, std::shared_ptr<asio::steady_timer> timer);
  /// Runs file I/O outside of the I/O threads. Rethrows exceptions.
  awaitable<void> on_file_thread(std::function<void()> task);
  awaitable<bool> write_response(Request& request, Response response, bool keep);
  awaitable<bool> write_text(Request& request, const Response& response, bool keep);
  /// Runs the producer, which writes to channel_.
  void produce(ProducedContent content, const std::optional<Span>& span, std::shared_ptr<ProducerSlot> slot);
  awaitable<bool> write_file(const FileContent& content, std::int64_t first, std::int64_t size);
  awaitable<bool> write_channel(bool chunked, std::string heartbeat,
                                std::optional<std::chrono::milliseconds> interval);
  awaitable<void> write_websocket(const RequestReader& reader, PushContent content);
  awaitable<void> watch_for_end();
  awaitable<bool> write_all(std::vector<asio::const_buffer> buffers);
  awaitable<bool> write_one(asio::const_buffer buffer);
  awaitable<void> discard_rest();

  std::shared_ptr<Server::State> state_;
  std::shared_ptr<Stream> stream_;
  std::string peer_;
  std::string network_;
  beast::flat_buffer buffer_;
  std::shared_ptr<Channel> channel_;  ///< set while streaming
  std::int64_t sent_bytes_ = 0;       ///< of the current response
  int sent_status_ = 0;               ///< of the current response
  bool watched_ = false;              ///< watch_for_end() reads from the socket
  bool idle_ = true;
  bool stopping_ = false;
};

}  // namespace tessera::http
