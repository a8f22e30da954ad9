#include "http/server.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/problem.hpp"
#include "http/server_state.hpp"
#include "ports/clock.hpp"
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

asio::awaitable<void> accept_connections(std::shared_ptr<Server::State> state) {
  while (!state->stopping) {
    error_code problem;
    auto socket = co_await state->acceptor.async_accept(asio::make_strand(state->io),
                                                        asio::redirect_error(asio::use_awaitable, problem));
    if (problem == asio::error::operation_aborted || !state->acceptor.is_open()) {
      break;
    }
    if (problem) {
      // No descriptors left, most likely: others must end first.
      asio::steady_timer pause(state->io, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, problem));
      continue;
    }
    bool full = false;
    {
      const std::scoped_lock lock(state->mutex);
      full = static_cast<int>(state->connections.size()) >= state->options.max_connections;
    }
    if (full) {
      continue;
    }
    socket.set_option(asio::ip::tcp::no_delay(true), problem);
    if (state->tls) {
      serve_tls(state, asio::ip::tcp::socket(std::move(socket)));
    } else {
      serve_plain(state, asio::ip::tcp::socket(std::move(socket)));
    }
  }
}

}  // namespace

Server::State::State(ServerOptions options_given, Router router_given)
    : options(std::move(options_given)),
      router(std::move(router_given)),
      workers(static_cast<std::size_t>(options.worker_threads)),
      producers(static_cast<std::size_t>(options.producer_threads)) {}

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
    io_threads.emplace_back([this] { io.run(); });
  }
}

void Server::State::enter(Connection* connection) {
  const std::scoped_lock lock(mutex);
  connections.insert(connection);
}

void Server::State::leave(Connection* connection) {
  const std::scoped_lock lock(mutex);
  connections.erase(connection);
  changed.notify_all();
}

void Server::State::log_access(const AccessRecord& record) const {
  if (options.on_request) {
    options.on_request(record);
  }
  if (!options.log) {
    return;
  }
  const Request& request = *record.request;
  Json line{
      {"event", "request"},         {"request_id", request.id},
      {"peer", request.peer},       {"method", request.method},
      {"path", request.path},       {"status", record.status},
      {"bytes", record.sent_bytes}, {"duration_ms", static_cast<double>(record.duration.count()) / 1000}};
  if (!request.note.empty()) {
    line["about"] = request.note;
  }
  options.log->info(line.dump(-1, ' ', false, Json::error_handler_t::replace));
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
    // The client gets no more than a number: what() may tell about the inside of this machine.
    if (options.log) {
      options.log->error(Json{{"event", "defect"}, {"request_id", request.id}, {"what", defect.what()}}.dump(
          -1, ' ', false, Json::error_handler_t::replace));
    }
    return problem_response(
        make_problem("internal",
                     "This is a defect in Tessera; the log has it under the request " + request.id + "."),
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
    // A handler that still runs holds its connection; it ends with the worker.
    state.changed.wait_for(lock, std::chrono::seconds(5), [&] { return state.connections.empty(); });
  }
  lock.unlock();
  state.workers.join();
  state.producers.join();
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
