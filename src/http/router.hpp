// Which handler answers which path.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace tessera::http {

using Handler = std::function<Response(Request&)>;

/// Where a route's functions run. Each lane has threads of its own, so that a server that does not answer
/// stops only the routes that wait for it.
enum class Lane : std::uint8_t {
  immediate,  ///< on an I/O thread, also when all others are busy: must not block, wait or compute
  light,      ///< short questions to the state of jobs
  heavy,      ///< what waits for the object store or the queue, or computes
};

struct Route {
  std::string method;   ///< a GET route answers HEAD too
  std::string pattern;  ///< "/v1/jobs/{id}", or "/objects/{name...}" for all that follows
  Handler handler;      ///< may block, unless its lane is immediate; throws Error or ProblemError
  /// Runs before the body is read, so that nobody uploads in vain. Throws as handlers do.
  std::function<void(Request&)> admit = {};
  /// Runs while a body comes whose length was not announced, every few megabytes: refuses what is too much
  /// before all of it is here. Throws as handlers do.
  std::function<void(Request&)> count_body = {};
  std::int64_t max_body_bytes = 0;              ///< 0: no body is taken
  std::vector<std::string> content_types = {};  ///< that a body may have; empty: any
  Json operation = {};                          ///< of an OpenAPI document, for whoever writes one
  Lane lane = Lane::light;
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  /// One without a body.
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
    std::vector<std::string> allowed;  ///< methods of routes with this path, if none has the method
  };
  /// The first route that fits. `path` is still percent-encoded, so that an encoded slash stays inside its
  /// part.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace tessera::http
