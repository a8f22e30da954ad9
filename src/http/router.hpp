// SPDX-License-Identifier: Apache-2.0
// Routes: path patterns and their handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace tessera::http {

using Handler = std::function<Response(Request&)>;

/// The thread pool for a route's functions. Each lane has its own threads, so that a dependency that does not
/// respond blocks only the routes that need it.
enum class Lane : std::uint8_t {
  immediate,  ///< on an I/O thread, even when all workers are busy: must not block or compute
  light,      ///< short queries of the state store
  heavy,      ///< uses the object store or the queue, or computes
  waiting,    ///< as heavy, and then waits for what other processes do
  viewing,    ///< parts of images for viewers: many short ones, among which some wait for other processes
};

struct Route {
  std::string method;   ///< a GET route answers HEAD too
  std::string pattern;  ///< "/v1/jobs/{id}", or "/objects/{name...}" for the rest of the path
  Handler handler;      ///< may block, unless its lane is immediate; throws Error or ProblemError
  /// Called instead of `admit` and `handler`, for requests without a body: the response if it is known already, or
  /// nothing. It runs on an I/O thread, so it must not block or compute; and it decides itself who may see the response.
  /// Throws as handlers do.
  std::function<std::optional<Response>(Request&)> from_memory = {};
  /// Runs before the body is read, to reject requests early. Throws as handlers do.
  std::function<void(Request&)> admit = {};
  /// Runs every few megabytes while a chunked body is read, to reject it before it is complete. Throws as
  /// handlers do.
  std::function<void(Request&)> count_body = {};
  std::int64_t max_body_bytes = 0;              ///< 0: no body is allowed
  std::vector<std::string> content_types = {};  ///< allowed media types of a body; empty: any
  Json operation = {};                          ///< OpenAPI operation, if the route is documented
  Lane lane = Lane::light;
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  /// Adds a route without a body.
  void add(std::string method, std::string pattern, std::function<void(Request&)> admit, Handler handler,
           Json operation = {}, Lane lane = Lane::light) {
    add({.method = std::move(method),
         .pattern = std::move(pattern),
         .handler = std::move(handler),
         .admit = std::move(admit),
         .operation = std::move(operation),
         .lane = lane});
  }
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

  struct Match {
    const Route* route = nullptr;
    Pairs parameters;
    std::vector<std::string> allowed;  ///< methods of routes with this path, if none matches
  };
  /// The first matching route. `path` is still percent-encoded, so that an encoded slash stays inside its
  /// segment.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace tessera::http
