// One client's connection: reads requests, has them answered, writes the answers. Inside of the layer only;
// a template over the stream, plain or TLS, instantiated once for each.
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
    peer_ = beast::get_lowest_layer(*stream_).socket().remote_endpoint(ignored).address().to_string();
    state_->enter(this);
  }
  ~StreamConnection() override { state_->leave(this); }
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  void start() {
    asio::co_spawn(
        stream_->get_executor(), [self = this->shared_from_this()] { return self->run(); }, asio::detached);
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

  template <class Action>
  void on_strand(Action action) {
    asio::post(stream_->get_executor(), [weak = this->weak_from_this(), action] {
      if (const auto self = weak.lock()) {
        action(*self);
      }
    });
  }
  /// For a channel: ends a wait on the timer, from any thread.
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
  /// False: the answer has been chosen already and the body was not (wholly) read.
  awaitable<bool> read_body(RequestReader& reader, Request& request, const Route& route,
                            std::optional<Response>& refusal);
  awaitable<Response> work(std::function<Response()> task, const Request& request);
  awaitable<bool> write_response(Request& request, Response response, bool keep);
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
  beast::flat_buffer buffer_;
  std::shared_ptr<Channel> channel_;  ///< while it streams
  std::int64_t sent_bytes_ = 0;       ///< of the present answer
  bool idle_ = true;
  bool stopping_ = false;
  bool watched_ = false;  ///< watch_for_end() reads, and only one may
};

}  // namespace tessera::http
