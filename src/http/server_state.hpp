// What a server's connections share. Inside of the layer only.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "http/server.hpp"

namespace tessera::http {

namespace asio = boost::asio;

class Connection {
 public:
  virtual ~Connection() = default;
  /// From any thread: ends when the running request is answered, or at once if none runs.
  virtual void stop() = 0;
  /// From any thread: breaks the connection off.
  virtual void abort() = 0;
};

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(ServerOptions options_given, Router router_given);

  ServerOptions options;
  Router router;
  std::optional<asio::ssl::context> tls;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::ip::tcp::acceptor acceptor{io};
  asio::thread_pool workers;
  asio::thread_pool producers;
  std::atomic<int> waiting = 0;
  std::atomic<int> producing = 0;
  std::atomic<bool> stopping = false;
  std::vector<std::thread> io_threads;
  int port = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_set<Connection*> connections;

  void listen();
  void enter(Connection* connection);
  void leave(Connection* connection);
  void log_access(const AccessRecord& record) const;
  /// Calls the handler; errors become problems.
  [[nodiscard]] Response answer(const Route& route, Request& request) const;
  [[nodiscard]] Response answer_error(const Request& request, const std::exception_ptr& error) const;
};

/// Each starts serving one accepted connection and keeps itself alive.
void serve_plain(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket);
void serve_tls(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket);

}  // namespace tessera::http
