// SPDX-License-Identifier: Apache-2.0
// State shared by a server's connections. Private to the layer.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "http/server.hpp"

namespace tessera::http {

namespace asio = boost::asio;

/// A slot for a produced download, held during its lifetime.
class ProducerSlot;

class Connection {
 public:
  virtual ~Connection() = default;
  /// Thread-safe: ends when the running request is answered, or at once if there is none.
  virtual void stop() = 0;
  /// Thread-safe: aborts the connection.
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
  struct Workers {
    explicit Workers(int threads) : pool(static_cast<std::size_t>(threads)) {}
    asio::thread_pool pool;
    std::atomic<int> waiting = 0;
  };
  Workers light;
  Workers heavy;
  Workers waiting;
  Workers viewing;
  asio::thread_pool files;
  asio::thread_pool producers;
  std::atomic<std::int64_t> bytes_of_bodies = 0;  ///< in memory
  std::atomic<bool> stopping = false;
  const std::size_t max_connections;
  const std::size_t max_connections_per_address;
  std::vector<std::thread> io_threads;
  int port = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_set<Connection*> connections;
  std::map<std::string, std::size_t> connections_of;  ///< by network_of()
  std::map<std::string, int> producers_of;            ///< by owner
  int producing = 0;

  void listen();
  void enter(Connection* connection, const std::string& network);
  void leave(Connection* connection, const std::string& network);
  /// The reason for refusing another connection from `network`; nothing if it is accepted.
  [[nodiscard]] std::optional<std::string> connection_refusal(const std::string& network);
  /// Null if there is no free slot.
  [[nodiscard]] std::shared_ptr<ProducerSlot> acquire_producer_slot(const std::string& owner);
  [[nodiscard]] Workers& workers(Lane lane) {
    switch (lane) {
      case Lane::heavy:
        return heavy;
      case Lane::waiting:
        return waiting;
      case Lane::viewing:
        return viewing;
      case Lane::immediate:
      case Lane::light:
        break;
    }
    return light;
  }
  void log_defect(std::string_view where, const std::exception_ptr& error) const noexcept;
  void log_access(const AccessRecord& record) const;
  /// What the route has in memory; converts errors to problems.
  [[nodiscard]] std::optional<Response> answer_from_memory(const Route& route, Request& request) const;
  /// Calls the handler; converts errors to problems.
  [[nodiscard]] Response answer(const Route& route, Request& request) const;
  [[nodiscard]] Response answer_error(const Request& request, const std::exception_ptr& error) const;
};

class ProducerSlot {
 public:
  /// The slot is already counted.
  ProducerSlot(std::shared_ptr<Server::State> state, std::string owner)
      : state_(std::move(state)), owner_(std::move(owner)) {}
  ~ProducerSlot();
  ProducerSlot(const ProducerSlot&) = delete;
  ProducerSlot& operator=(const ProducerSlot&) = delete;

 private:
  std::shared_ptr<Server::State> state_;
  std::string owner_;
};

/// A body's share of the memory for all bodies.
class BodyMemory {
 public:
  explicit BodyMemory(Server::State& state) : state_(state) {}
  ~BodyMemory() { holds(0); }
  BodyMemory(const BodyMemory&) = delete;
  BodyMemory& operator=(const BodyMemory&) = delete;
  void holds(std::int64_t bytes) {
    state_.bytes_of_bodies += bytes - held_;
    held_ = bytes;
  }

 private:
  Server::State& state_;
  std::int64_t held_ = 0;
};

/// The unit for connection limits: an IPv4 address, or the /64 prefix of an IPv6 address.
[[nodiscard]] std::string network_of(const asio::ip::address& address);

/// Each starts serving an accepted connection, which keeps itself alive.
void serve_plain(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket);
void serve_tls(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket);

}  // namespace tessera::http
