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

struct Route {
  std::string method;   ///< a GET route answers HEAD too
  std::string pattern;  ///< "/v1/jobs/{id}", or "/objects/{name...}" for all that follows
  Handler handler;      ///< runs on the worker pool and may block; throws Error or ProblemError
  /// Runs on the worker pool before the body is read, so that nobody uploads in vain. Throws as handlers do.
  std::function<void(Request&)> admit = {};
  std::int64_t max_body_bytes = 0;              ///< 0: no body is taken
  std::vector<std::string> content_types = {};  ///< that a body may have; empty: any
  Json operation = {};                          ///< of an OpenAPI document, for whoever writes one
};

class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  /// One without a body.
  void add(std::string method, std::string pattern, std::function<void(Request&)> admit, Handler handler,
           Json operation = {}) {
    add({.method = std::move(method),
         .pattern = std::move(pattern),
         .handler = std::move(handler),
         .admit = std::move(admit),
         .operation = std::move(operation)});
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
