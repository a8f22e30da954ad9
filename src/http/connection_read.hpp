// SPDX-License-Identifier: Apache-2.0
// Reading and dispatching requests.
#pragma once

#include <poll.h>

#include <algorithm>
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
  if (!watched_ && beast::get_lowest_layer(*stream_).socket().is_open()) {
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
awaitable<Response> StreamConnection<Stream>::work(Lane lane, std::function<Response()> task,
                                                   const Request& request) {
  auto& workers = state_->workers(lane);
  if (workers.waiting.fetch_add(1) >= state_->options.max_waiting) {
    workers.waiting.fetch_sub(1);
    co_return problem_response(
        make_problem(Error(ErrorCode::busy, "Too many requests are waiting; try again in a few seconds.")),
        request.path);
  }
  const auto cancellation = request.cancellation;
  cancellation->time_limit = state_->options.work_timeout;
  cancellation->deadline = std::chrono::steady_clock::now() + cancellation->time_limit;
  const auto timer = std::make_shared<asio::steady_timer>(stream_->get_executor());
  cancellation->watched = true;
  watch_client(cancellation, timer);
  auto run_task = [task = std::move(task), &workers, cancellation,
                   path = request.path]() -> awaitable<Response> {
    workers.waiting.fetch_sub(1);
    // The client no longer waits, and no work has been done.
    if (cancellation->client_gone || std::chrono::steady_clock::now() > cancellation->deadline) {
      co_return problem_response(
          make_problem(Error(ErrorCode::busy, "All workers were busy for too long; try again later.")), path);
    }
    co_return task();
  };
  Response response = co_await asio::co_spawn(workers.pool, std::move(run_task), asio::use_awaitable);
  cancellation->watched = false;
  timer->cancel();
  co_return response;
}

template <class Stream>
void StreamConnection<Stream>::watch_client(std::shared_ptr<Cancellation> cancellation,
                                            std::shared_ptr<asio::steady_timer> timer) {
  constexpr std::chrono::milliseconds client_check_interval{250};
  timer->expires_after(client_check_interval);
  timer->async_wait([self = this->shared_from_this(), cancellation, timer](const error_code& cancelled) {
    if (cancelled || !cancellation->watched) {
      return;
    }
    pollfd descriptor{beast::get_lowest_layer(*self->stream_).socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&descriptor, 1, 0) > 0) {
      cancellation->client_gone = true;
      return;
    }
    self->watch_client(cancellation, timer);
  });
}

template <class Stream>
awaitable<void> StreamConnection<Stream>::on_file_thread(std::function<void()> task) {
  auto run_task = [task = std::move(task)]() -> awaitable<void> {
    task();
    co_return;
  };
  co_await asio::co_spawn(state_->files, std::move(run_task), asio::use_awaitable);
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
  BodyMemory body_memory(*state_);
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
    refusal = read_header(reader, request);
  }
  std::optional<Response> screened;
  if (!refusal && state_->options.screen) {
    screened = state_->options.screen(request);
  }
  if (!refusal && !screened) {
    match = state_->router.find(request.method, request.path);
    refusal = match.route == nullptr ? no_route_problem(request, match)
                                     : check_body_header(reader, request, *match.route);
  }
  Response response;
  if (refusal || screened) {
    // The end of the body is not known: data after this header must not be parsed as a request.
    response = refusal ? problem_response(*refusal, request.path) : std::move(*screened);
    body_is_unread = true;
  } else {
    request.parameters = std::move(match.parameters);
    const Route& route = *match.route;
    std::optional<Response> decided;  // without the handler
    bool admitted = !route.admit;
    const auto admit = [&] {
      try {
        route.admit(request);
        return Response{0, {}, std::string()};
      } catch (...) {
        return state_->answer_error(request, std::current_exception());
      }
    };
    if (reader.is_done()) {
      body_is_unread = false;
      decided = state_->answer_from_memory(route, request);
    } else {
      if (route.admit) {
        Response refusal_of_route = co_await work(route.lane, admit, request);
        admitted = refusal_of_route.status == 0;
        if (!admitted) {
          decided = std::move(refusal_of_route);
        }
      }
      if (!decided) {
        body_is_unread = !co_await read_body(reader, request, route, body_memory, decided);
        if (body_is_unread && !decided) {
          co_return false;
        }
      }
    }
    if (decided) {
      response = std::move(*decided);
    } else {
      const auto answer = [&] {
        try {
          if (!admitted) {
            route.admit(request);
          }
          return state_->answer(route, request);
        } catch (...) {
          return state_->answer_error(request, std::current_exception());
        }
      };
      if (route.lane == Lane::immediate) {
        response = answer();
      } else {
        response = co_await work(route.lane, answer, request);
      }
    }
  }
  if (state_->options.finish) {
    state_->options.finish(request, response);
  }
  sent_status_ = response.status;
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
      {&request, match.route == nullptr ? std::string_view() : match.route->pattern, sent_status_,
       sent_bytes_,
       std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started)});
  co_return keep;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::read_body(RequestReader& reader, Request& request,
                                                    const Route& route, BodyMemory& memory,
                                                    std::optional<Response>& refusal) {
  constexpr std::int64_t counted_every_bytes = std::int64_t{4} << 20;
  constexpr std::int64_t min_memory_bytes = std::int64_t{64} << 10;
  const ServerOptions& options = state_->options;
  std::int64_t counted_next = counted_every_bytes;
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
    const std::string_view came(piece.data(), piece.size() - reader.get().body().size);
    const std::int64_t memory_limit = state_->bytes_of_bodies < options.memory_of_bodies_bytes
                                          ? options.memory_body_bytes
                                          : std::min(options.memory_body_bytes, min_memory_bytes);
    try {
      if (request.body.has_room_in_memory(came.size(), memory_limit)) {
        request.body.append(came, memory_limit, options.temporary_folder);
      } else {
        co_await on_file_thread([&] { request.body.append(came, memory_limit, options.temporary_folder); });
      }
      memory.holds(request.body.in_memory() ? request.body.size() : 0);
      if (request.body.size() > route.max_body_bytes) {
        refusal = problem_response(body_too_large(route, request.body.size()), request.path);
        co_return false;
      }
    } catch (...) {
      refusal = state_->answer_error(request, std::current_exception());
      co_return false;
    }
    if (route.count_body && reader.chunked() && request.body.size() >= counted_next) {
      counted_next = request.body.size() + counted_every_bytes;
      Response verdict = co_await work(
          route.lane,
          [&] {
            try {
              route.count_body(request);
              return Response{0, {}, std::string()};
            } catch (...) {
              return state_->answer_error(request, std::current_exception());
            }
          },
          request);
      if (verdict.status != 0) {
        refusal = std::move(verdict);
        co_return false;
      }
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
  // Closing while the client still sends would reset the connection, and the client might not receive the
  // response that explains why.
  constexpr std::int64_t max_discarded_bytes = std::int64_t{64} << 20;
  error_code ignored;
  beast::get_lowest_layer(*stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::vector<char> piece(std::size_t{16} << 10);
  limit_time(std::chrono::seconds(2));
  for (std::int64_t total = 0; total < max_discarded_bytes && !state_->stopping;) {
    const auto [problem, count] =
        co_await beast::get_lowest_layer(*stream_).async_read_some(asio::buffer(piece), token);
    if (problem) {
      break;
    }
    total += static_cast<std::int64_t>(count);
  }
}

}  // namespace tessera::http
