// The bodies of connection.hpp's members. Included once for each kind of stream.
#pragma once

#include <charconv>

#include "http/connection.hpp"
#include "ports/job.hpp"

namespace tessera::http {

template <class Stream>
awaitable<void> StreamConnection<Stream>::run() {
  if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
    limit_time(state_->options.header_timeout);
    const auto [problem] = co_await stream_->async_handshake(asio::ssl::stream_base::server, token);
    if (problem) {
      co_return;
    }
  }
  for (;;) {
    const bool came = co_await wait_for_request();
    if (!came) {
      break;
    }
    const bool again = co_await serve_one();
    if (!again || stopping_) {
      break;
    }
  }
  if (beast::get_lowest_layer(*stream_).socket().is_open()) {
    co_await discard_rest();
  }
  close_socket();
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::wait_for_request() {
  if (buffer_.size() > 0) {
    co_return true;
  }
  idle_ = true;
  if (stopping_ || state_->stopping) {
    co_return false;
  }
  limit_time(state_->options.idle_timeout);
  const auto [problem, count] = co_await stream_->async_read_some(buffer_.prepare(4096), token);
  idle_ = false;
  if (problem) {
    co_return false;
  }
  buffer_.commit(count);
  co_return true;
}

template <class Stream>
awaitable<Response> StreamConnection<Stream>::work(std::function<Response()> task, const Request& request) {
  if (state_->waiting.fetch_add(1) >= state_->options.max_waiting) {
    state_->waiting.fetch_sub(1);
    co_return problem_response(
        make_problem(Error(ErrorCode::busy, "Too many requests wait already; come again in a few seconds.")),
        request.path);
  }
  auto run_task = [task = std::move(task), state = state_]() -> awaitable<Response> {
    state->waiting.fetch_sub(1);
    co_return task();
  };
  co_return co_await asio::co_spawn(state_->workers, std::move(run_task), asio::use_awaitable);
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::serve_one() {
  RequestReader reader;
  reader.header_limit(state_->options.max_header_bytes);
  reader.body_limit(boost::none);
  limit_time(state_->options.header_timeout);
  const auto started = std::chrono::steady_clock::now();
  const auto [problem, count] = co_await beast::http::async_read_header(*stream_, buffer_, reader, token);
  static_cast<void>(count);

  Request request;
  request.peer = peer_;
  sent_bytes_ = 0;
  std::optional<Problem> refusal;
  bool body_is_unread = true;
  Router::Match match;
  if (problem) {
    refusal = parser_problem(problem, state_->options);
    if (!refusal) {
      co_return false;
    }
    request.id = new_id("req", system_now());
    request.path = "/";
  } else {
    refusal = take_header(reader, request);
  }
  if (!refusal) {
    match = state_->router.find(request.method, request.path);
    refusal = match.route == nullptr ? no_route_problem(request, match)
                                     : refuse_body(reader, request, *match.route);
  }
  Response response;
  if (refusal) {
    response = problem_response(*refusal, request.path);
    body_is_unread = !problem ? !reader.is_done() : true;
  } else {
    request.parameters = std::move(match.parameters);
    const Route& route = *match.route;
    std::optional<Response> refused;
    bool admitted = !route.admit;
    if (reader.is_done()) {
      body_is_unread = false;
    } else {
      if (route.admit) {
        Response refusal_of_route = co_await work(
            [&] {
              try {
                route.admit(request);
                return Response{0, {}, std::string()};
              } catch (...) {
                return state_->answer_error(request, std::current_exception());
              }
            },
            request);
        admitted = refusal_of_route.status == 0;
        if (!admitted) {
          refused = std::move(refusal_of_route);
        }
      }
      if (!refused) {
        body_is_unread = !co_await read_body(reader, request, route, refused);
        if (body_is_unread && !refused) {
          co_return false;
        }
      }
    }
    if (refused) {
      response = std::move(*refused);
    } else {
      response = co_await work(
          [&] {
            try {
              if (!admitted) {
                route.admit(request);
              }
              return state_->answer(route, request);
            } catch (...) {
              return state_->answer_error(request, std::current_exception());
            }
          },
          request);
    }
  }
  const int status = response.status;
  bool keep = !body_is_unread && reader.keep_alive() && !stopping_ && !state_->stopping;
  if (auto* const push = std::get_if<PushContent>(&response.content); push != nullptr && push->websocket) {
    if (request.websocket) {
      co_await write_websocket(reader, std::move(*push));
      keep = false;
    } else {
      push->channel->close();
      response =
          problem_response(make_problem("upgrade-required", "Ask for this path with a WebSocket handshake.",
                                        {{"Upgrade", "websocket"}}),
                           request.path);
      keep = co_await write_response(request, std::move(response), keep);
    }
  } else {
    keep = co_await write_response(request, std::move(response), keep);
  }
  state_->log_access(
      {&request, match.route == nullptr ? std::string_view() : match.route->pattern, status, sent_bytes_,
       std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started)});
  co_return keep;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::read_body(RequestReader& reader, Request& request,
                                                    const Route& route, std::optional<Response>& refusal) {
  const ServerOptions& options = state_->options;
  if (equal_ignoring_case(request.header("Expect"), "100-continue")) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const bool sent = co_await write_one(asio::buffer(go_on));
    if (!sent) {
      co_return false;
    }
  }
  const auto started = std::chrono::steady_clock::now();
  std::vector<char> piece(std::size_t{64} << 10);
  while (!reader.is_done()) {
    reader.get().body().data = piece.data();
    reader.get().body().size = piece.size();
    limit_time(options.stall_timeout);
    auto [problem, count] = co_await beast::http::async_read_some(*stream_, buffer_, reader, token);
    static_cast<void>(count);
    if (problem && problem != beast::http::error::need_buffer) {
      if (const auto malformed = parser_problem(problem, options)) {
        refusal = problem_response(*malformed, request.path);
      }
      co_return false;
    }
    try {
      request.body.append({piece.data(), piece.size() - reader.get().body().size}, options.memory_body_bytes,
                          options.temporary_folder);
      if (request.body.size() > route.max_body_bytes) {
        refusal = problem_response(body_too_large(route, request.body.size()), request.path);
        co_return false;
      }
    } catch (...) {
      refusal = state_->answer_error(request, std::current_exception());
      co_return false;
    }
    const auto elapsed = std::chrono::steady_clock::now() - started;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(elapsed).count();
    if (elapsed > options.stall_timeout && request.body.size() < seconds * options.min_bytes_per_second) {
      co_return false;
    }
  }
  co_return true;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_all(std::vector<asio::const_buffer> buffers) {
  limit_time(state_->options.stall_timeout);
  const auto [problem, count] = co_await asio::async_write(*stream_, buffers, token);
  sent_bytes_ += static_cast<std::int64_t>(count);
  co_return !problem;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_one(asio::const_buffer buffer) {
  std::vector<asio::const_buffer> buffers(1, buffer);
  co_return co_await write_all(std::move(buffers));
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_response(Request& request, Response response, bool keep) {
  const bool head = request.method == "HEAD";
  if (auto* const text = std::get_if<std::string>(&response.content)) {
    const bool bodiless = response.status == 204 || response.status == 304;
    const std::string header = write_header(
        response, request, bodiless ? std::nullopt : std::optional(static_cast<std::int64_t>(text->size())),
        false, keep);
    std::vector<asio::const_buffer> buffers{asio::buffer(header)};
    if (!head && !bodiless) {
      buffers.push_back(asio::buffer(*text));
    }
    const bool sent = co_await write_all(std::move(buffers));
    co_return sent&& keep;
  }

  std::optional<std::int64_t> size;
  bool ranges = true;
  const auto* const file = std::get_if<FileContent>(&response.content);
  auto* const produced = std::get_if<ProducedContent>(&response.content);
  auto* const push = std::get_if<PushContent>(&response.content);
  if (file != nullptr) {
    size = file->file->size();
  } else if (produced != nullptr) {
    size = produced->size_bytes;
    ranges = produced->ranges && size;
  } else {
    ranges = false;
  }
  std::optional<Span> span;
  if (ranges && response.status == 200) {
    response.with("Accept-Ranges", "bytes");
    const std::string condition = request.header("If-Range");
    std::string tag;
    for (const auto& [name, value] : response.headers) {
      tag = name == "ETag" ? value : tag;
    }
    const RangeAnswer answer = condition.empty() || condition == tag
                                   ? parse_range(request.header("Range"), *size)
                                   : RangeAnswer(WholeBody{});
    if (std::holds_alternative<Unsatisfiable>(answer)) {
      Response none = text_response(416, "", "text/plain");
      none.with("Content-Range", "bytes */" + std::to_string(*size));
      co_return co_await write_response(request, std::move(none), keep);
    }
    if (const auto* const asked = std::get_if<Span>(&answer)) {
      span = *asked;
      response.status = 206;
      response.with("Content-Range", "bytes " + std::to_string(span->first) + "-" +
                                         std::to_string(span->last) + "/" + std::to_string(*size));
      size = span->last - span->first + 1;
    }
  }
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
  const bool chunked = !size && request.version >= 11;
  const std::string header = write_header(response, request, size, chunked, keep && (size || chunked));
  if (head) {
    if (push != nullptr) {
      push->channel->close();
    }
    const bool sent = co_await write_one(asio::buffer(header));
    co_return sent&& keep;
  }
  const bool sent_header = co_await write_one(asio::buffer(header));
  if (!sent_header) {
    if (push != nullptr) {
      push->channel->close();
    }
    co_return false;
  }
  if (file != nullptr) {
    const bool sent = co_await write_file(*file, span ? span->first : 0, *size);
    co_return sent&& keep;
  }
  std::optional<std::chrono::milliseconds> interval;
  if (produced != nullptr) {
    channel_ = std::make_shared<Channel>();
    if (state_->producing.fetch_add(1) >= state_->options.producer_threads * 4) {
      state_->producing.fetch_sub(1);
      co_return false;
    }
    asio::post(state_->producers, [state = state_, channel = channel_, content = std::move(*produced), span] {
      struct Writer final : ByteSink {
        explicit Writer(Channel& to) : channel(to) {}
        void write(std::span<const std::byte> bytes) override {
          if (!channel.put(std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes.data()),
                                                               bytes.size()))) {
            throw Error(ErrorCode::cancelled, "The client is gone.");
          }
        }
        Channel& channel;
      } writer(*channel);
      bool failed = false;
      try {
        content.produce(writer, span ? std::optional(ByteRange{span->first, span->last}) : std::nullopt);
      } catch (const std::exception&) {
        failed = true;
      }
      channel->finish(failed);
      state->producing.fetch_sub(1);
    });
  } else {
    channel_ = push->channel;
    if (!push->heartbeat.empty()) {
      interval = push->heartbeat_interval;
    }
    asio::co_spawn(
        stream_->get_executor(), [self = this->shared_from_this()] { return self->watch_for_end(); },
        asio::detached);
  }
  const bool watched = push != nullptr;
  const std::int64_t before = sent_bytes_;
  std::string heartbeat;
  if (push != nullptr) {
    heartbeat = push->heartbeat;
  }
  const bool sent = co_await write_channel(chunked, std::move(heartbeat), interval);
  channel_.reset();
  // A body shorter than announced must not be followed by another answer.
  const bool complete = !size || sent_bytes_ - before == *size;
  co_return sent&& keep && !watched && complete && (size || chunked);
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_file(const FileContent& content, std::int64_t first,
                                                     std::int64_t size) {
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::int64_t>(size, std::int64_t{256} << 10)));
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(size, std::ssize(piece)));
    std::size_t count = 0;
    try {
      count = content.file->read_at(first, {piece.data(), wanted});
    } catch (const Error&) {
      co_return false;
    }
    if (count == 0) {
      co_return false;
    }
    const bool sent = co_await write_one(asio::buffer(piece.data(), count));
    if (!sent) {
      co_return false;
    }
    first += static_cast<std::int64_t>(count);
    size -= static_cast<std::int64_t>(count);
  }
  co_return true;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_channel(bool chunked, std::string heartbeat,
                                                        std::optional<std::chrono::milliseconds> interval) {
  const auto channel = channel_;
  const auto wake = std::make_shared<asio::steady_timer>(stream_->get_executor());
  const ChannelWaker waker(*channel, cancels(wake));
  if (stopping_) {
    channel->finish();
  }
  const std::string line_end = "\r\n";
  for (;;) {
    Channel::Taken taken = channel->take();
    if (taken.messages.empty() && !taken.ended) {
      auto until = std::chrono::steady_clock::time_point::max();
      if (interval) {
        until = std::chrono::steady_clock::now() + *interval;
      }
      wake->expires_at(until);
      const auto [cancelled] = co_await wake->async_wait(token);
      if (cancelled) {
        continue;
      }
      taken.messages.push_back(std::make_shared<const std::string>(heartbeat));
    }
    std::size_t size = 0;
    std::vector<asio::const_buffer> buffers;
    for (const Message& message : taken.messages) {
      buffers.push_back(asio::buffer(*message));
      size += message->size();
    }
    std::string head;
    if (chunked && size > 0) {
      std::array<char, 20> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
      head.assign(digits.data(), end);
      head += line_end;
      buffers.insert(buffers.begin(), asio::buffer(head));
      buffers.push_back(asio::buffer(line_end));
    }
    static constexpr std::string_view last_chunk = "0\r\n\r\n";
    if (taken.ended && chunked && !taken.broken) {
      buffers.push_back(asio::buffer(last_chunk));
    }
    bool sent = true;
    if (!buffers.empty()) {
      sent = co_await write_all(std::move(buffers));
    }
    if (!sent || taken.broken || channel->closed()) {
      channel->close();
      co_return false;
    }
    if (taken.ended) {
      co_return true;
    }
  }
}

template <class Stream>
awaitable<void> StreamConnection<Stream>::watch_for_end() {
  const auto channel = channel_;
  std::array<char, 512> ignored{};
  beast::get_lowest_layer(*stream_).expires_never();
  for (;;) {
    const auto [problem, count] = co_await stream_->async_read_some(asio::buffer(ignored), token);
    static_cast<void>(count);
    if (problem) {
      channel->close();
      co_return;
    }
  }
}

template <class Stream>
awaitable<void> StreamConnection<Stream>::discard_rest() {
  // Closing while the client still sends would reset the connection, and the client might never see the
  // answer that explains why.
  constexpr std::int64_t most_bytes = std::int64_t{64} << 20;
  error_code ignored;
  beast::get_lowest_layer(*stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::vector<char> piece(std::size_t{16} << 10);
  limit_time(std::chrono::seconds(2));
  for (std::int64_t total = 0; total < most_bytes && !state_->stopping;) {
    const auto [problem, count] =
        co_await beast::get_lowest_layer(*stream_).async_read_some(asio::buffer(piece), token);
    if (problem) {
      break;
    }
    total += static_cast<std::int64_t>(count);
  }
}

template <class Stream>
awaitable<void> StreamConnection<Stream>::write_websocket(const RequestReader& reader, PushContent content) {
  constexpr std::size_t most_bytes_from_clients = std::size_t{64} << 10;
  // The timeouts are the WebSocket's own from here on: pings go out after half the idle time.
  beast::get_lowest_layer(*stream_).expires_never();
  const auto socket = std::make_shared<websocket::stream<Stream&>>(*stream_);
  socket->set_option(
      websocket::stream_base::timeout{state_->options.header_timeout, std::chrono::seconds(60), true});
  socket->read_message_max(most_bytes_from_clients);
  channel_ = content.channel;
  const auto channel = channel_;
  const auto [refused] = co_await socket->async_accept(reader.get(), token);
  if (refused) {
    channel->close();
    channel_.reset();
    co_return;
  }
  // Reading answers pings and notices the end; what clients say is not used.
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
    co_await socket->async_close(websocket::close_code::going_away, token);
    // The reader refers to this socket until it has ended.
    while (*reading) {
      wake->expires_after(std::chrono::seconds(5));
      const auto [cancelled] = co_await wake->async_wait(token);
      if (!cancelled) {
        close_socket();
      }
    }
  }
  channel_.reset();
}

}  // namespace tessera::http
