// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "base/system.hpp"
#include "http/problem.hpp"
#include "http/request_reader.hpp"
#include "http/server_state.hpp"
#include "ports/job.hpp"

namespace tessera::http {
namespace {

using boost::system::error_code;

asio::ssl::context open_tls(const ServerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
  error_code problem;
  context.use_certificate_chain_file(options.certificate_file.string(), problem);
  if (problem) {
    throw Error(ErrorCode::usage, fmt::format("Cannot use the certificate '{}': {}.",
                                              options.certificate_file.string(), problem.message()));
  }
  context.use_private_key_file(options.key_file.string(), asio::ssl::context::pem, problem);
  if (problem) {
    throw Error(ErrorCode::usage,
                fmt::format("Cannot use the key '{}': {}.", options.key_file.string(), problem.message()));
  }
  return context;
}

/// Best effort: rejects a client before it has sent a request.
void reject_connection(asio::ip::tcp::socket socket, const std::string& reason) {
  Request empty_request;
  empty_request.path = "/";
  empty_request.id = new_id("req", system_now());
  const Response response =
      problem_response(make_problem(Error(ErrorCode::busy, reason)), empty_request.path);
  const auto& body = std::get<std::string>(response.content);
  const std::string answer = write_header(response, empty_request, std::ssize(body), false, false) + body;
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.send(asio::buffer(answer), 0, ignored);
  socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void start_connection(const std::shared_ptr<Server::State>& state, asio::ip::tcp::socket socket) {
  error_code problem;
  const auto peer = socket.remote_endpoint(problem);
  if (problem) {
    return;  // already disconnected
  }
  if (const auto refusal = state->connection_refusal(network_of(peer.address()))) {
    if (!state->tls) {
      reject_connection(std::move(socket), *refusal);
    }
    return;
  }
  socket.set_option(asio::ip::tcp::no_delay(true), problem);
  if (state->tls) {
    serve_tls(state, std::move(socket));
  } else {
    serve_plain(state, std::move(socket));
  }
}

asio::awaitable<void> accept_connections(std::shared_ptr<Server::State> state) {
  while (!state->stopping) {
    error_code problem;
    std::exception_ptr failure;
    try {
      auto socket = co_await state->acceptor.async_accept(asio::make_strand(state->io),
                                                          asio::redirect_error(asio::use_awaitable, problem));
      if (problem == asio::error::operation_aborted || !state->acceptor.is_open()) {
        break;
      }
      if (!problem) {
        start_connection(state, asio::ip::tcp::socket(std::move(socket)));
        continue;
      }
    } catch (...) {
      failure = std::current_exception();
    }
    // Probably out of descriptors or memory: other connections must end first.
    if (failure) {
      state->log_defect("accepting a connection", failure);
    }
    asio::steady_timer pause(state->io, std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, problem));
  }
}

std::size_t connections_allowed(const ServerOptions& options) {
  const std::int64_t for_connections = open_file_limit() / 2;
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(options.max_connections, 1, std::max<std::int64_t>(1, for_connections)));
}

}  // namespace

Server::State::State(ServerOptions options_given, Router router_given)
    : options(std::move(options_given)),
      router(std::move(router_given)),
      light(options.light_threads),
      heavy(options.heavy_threads),
      waiting(options.waiting_threads),
      viewing(options.viewing_threads),
      files(static_cast<std::size_t>(options.file_threads)),
      producers(static_cast<std::size_t>(options.producer_threads)),
      max_connections(connections_allowed(options)),
      max_connections_per_address(options.max_connections_per_address > 0
                                      ? static_cast<std::size_t>(options.max_connections_per_address)
                                      : std::max<std::size_t>(1, max_connections / 2)) {}

void Server::State::listen() {
  if (!options.certificate_file.empty()) {
    tls.emplace(open_tls(options));
  }
  error_code problem;
  const auto address = asio::ip::make_address(options.address, problem);
  if (problem || options.port < 0 || options.port > 65535) {
    throw Error(ErrorCode::usage, fmt::format("Cannot listen on '{}' port {}: give an IP address such as "
                                              "127.0.0.1 or ::1 and a port from 0 to 65535.",
                                              options.address, options.port));
  }
  const asio::ip::tcp::endpoint endpoint(address, static_cast<std::uint16_t>(options.port));
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) {
    acceptor.set_option(asio::socket_base::reuse_address(true), problem);
  }
  if (!problem) {
    acceptor.bind(endpoint, problem);
  }
  if (!problem) {
    acceptor.listen(asio::socket_base::max_listen_connections, problem);
  }
  if (problem) {
    throw Error(ErrorCode::usage, fmt::format("Cannot listen on '{}' port {}: {}.", options.address,
                                              options.port, problem.message()));
  }
  port = acceptor.local_endpoint().port();
  asio::co_spawn(io, accept_connections(shared_from_this()), asio::detached);
  for (int i = 0; i < options.io_threads; ++i) {
    io_threads.emplace_back([this] {
      for (bool ended = false; !ended;) {
        try {
          io.run();
          ended = true;
        } catch (...) {
          log_defect("an I/O thread", std::current_exception());
        }
      }
    });
  }
}

void Server::State::enter(Connection* connection, const std::string& network) {
  const std::scoped_lock lock(mutex);
  connections.insert(connection);
  ++connections_of[network];
}

void Server::State::leave(Connection* connection, const std::string& network) {
  const std::scoped_lock lock(mutex);
  connections.erase(connection);
  if (const auto count = connections_of.find(network);
      count != connections_of.end() && --count->second == 0) {
    connections_of.erase(count);
  }
  changed.notify_all();
}

std::optional<std::string> Server::State::connection_refusal(const std::string& network) {
  const std::scoped_lock lock(mutex);
  if (connections.size() >= max_connections) {
    return fmt::format("{} connections are open, which is the limit: try again later.", connections.size());
  }
  const auto known = connections_of.find(network);
  if (known != connections_of.end() && known->second >= max_connections_per_address) {
    return fmt::format(
        "{} connections from your address are open, which is the limit for one address: close "
        "some, or try again later.",
        known->second);
  }
  return std::nullopt;
}

std::shared_ptr<ProducerSlot> Server::State::acquire_producer_slot(const std::string& owner) {
  const std::scoped_lock lock(mutex);
  if (producing >= options.producer_threads ||
      (!owner.empty() && producers_of[owner] >= options.max_producers_per_owner)) {
    return nullptr;
  }
  ++producing;
  ++producers_of[owner];
  return std::make_shared<ProducerSlot>(shared_from_this(), owner);
}

ProducerSlot::~ProducerSlot() {
  const std::scoped_lock lock(state_->mutex);
  --state_->producing;
  if (--state_->producers_of[owner_] == 0) {
    state_->producers_of.erase(owner_);
  }
}

void Server::State::log_defect(std::string_view where, const std::exception_ptr& error) const noexcept {
  if (!options.log) {
    return;
  }
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& defect) {
    options.log->error("{} failed: {}", where, defect.what());
  } catch (...) {
    options.log->error("{} failed", where);
  }
}

std::string network_of(const asio::ip::address& address) {
  if (!address.is_v6()) {
    return address.to_string();
  }
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  }
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

void Server::State::log_access(const AccessRecord& record) const {
  if (options.on_request) {
    options.on_request(record);
  }
  if (!options.log) {
    return;
  }
  const Request& request = *record.request;
  // Each request writes this line, so it is put together without an object.
  const auto quoted = [](const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  std::string line = fmt::format(
      R"({{"event":"request","request_id":{},"peer":{},"method":{},"path":{},"status":{},"bytes":{},"duration_ms":{})",
      quoted(request.id), quoted(request.peer), quoted(request.method), quoted(request.path), record.status,
      record.sent_bytes, static_cast<double>(record.duration.count()) / 1000);
  if (!request.note.empty()) {
    line += R"(,"about":)" + quoted(request.note);
  }
  options.log->info("{}", line + '}');
}

std::optional<Response> Server::State::answer_from_memory(const Route& route, Request& request) const {
  try {
    return route.from_memory ? route.from_memory(request) : std::nullopt;
  } catch (...) {
    return answer_error(request, std::current_exception());
  }
}

Response Server::State::answer(const Route& route, Request& request) const {
  try {
    return route.handler(request);
  } catch (...) {
    return answer_error(request, std::current_exception());
  }
}

Response Server::State::answer_error(const Request& request, const std::exception_ptr& error) const {
  try {
    std::rethrow_exception(error);
  } catch (const ProblemError& problem) {
    return problem_response(problem.problem(), request.path);
  } catch (const Error& known) {
    return problem_response(make_problem(known), request.path);
  } catch (const std::exception& defect) {
    // The client gets only the request id: what() may disclose internals.
    if (options.log) {
      options.log->error(Json{{"event", "defect"}, {"request_id", request.id}, {"what", defect.what()}}.dump(
          -1, ' ', false, Json::error_handler_t::replace));
    }
    return problem_response(
        make_problem("internal", "Internal error; see the log for request " + request.id + "."),
        request.path);
  }
}

Server::Server(ServerOptions options, Router router)
    : state_(std::make_shared<State>(std::move(options), std::move(router))) {
  state_->listen();
}

Server::~Server() { stop(); }

int Server::port() const { return state_->port; }

void Server::stop(std::chrono::milliseconds grace) {
  State& state = *state_;
  if (state.stopping.exchange(true)) {
    return;
  }
  asio::post(state.io, [shared = state_] {
    error_code ignored;
    shared->acceptor.close(ignored);
  });
  std::unique_lock lock(state.mutex);
  for (Connection* const connection : state.connections) {
    connection->stop();
  }
  if (!state.changed.wait_for(lock, grace, [&] { return state.connections.empty(); })) {
    for (Connection* const connection : state.connections) {
      connection->abort();
    }
    // A running handler keeps its connection alive; it ends with the worker.
    state.changed.wait_for(lock, std::chrono::seconds(5), [&] { return state.connections.empty(); });
  }
  lock.unlock();
  state.light.pool.join();
  state.heavy.pool.join();
  state.waiting.pool.join();
  state.viewing.pool.join();
  state.producers.join();
  state.files.join();
  lock.lock();
  state.changed.wait_for(lock, std::chrono::seconds(5), [&] { return state.connections.empty(); });
  lock.unlock();
  state.work.reset();
  state.io.stop();
  for (std::thread& thread : state.io_threads) {
    thread.join();
  }
}

bool is_loopback(const std::string& address) {
  error_code problem;
  const auto parsed = asio::ip::make_address(address, problem);
  return !problem && parsed.is_loopback();
}

}  // namespace tessera::http
