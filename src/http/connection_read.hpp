// A connection from request to request: reading them and having them answered.
#pragma once

#include <type_traits>

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
  if (beast::get_lowest_layer(*stream_).socket().is_open() && !watched_) {
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
  std::optional<Response> screened;
  if (!refusal && state_->options.screen) {
    screened = state_->options.screen(request);
  }
  if (!refusal && !screened) {
    match = state_->router.find(request.method, request.path);
    refusal = match.route == nullptr ? no_route_problem(request, match)
                                     : refuse_body(reader, request, *match.route);
  }
  Response response;
  if (refusal || screened) {
    response = refusal ? problem_response(*refusal, request.path) : std::move(*screened);
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
  if (state_->options.finish) {
    state_->options.finish(request, response);
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

}  // namespace tessera::http
