// The HTTP interface as an OpenAPI 3.1 document, drawn from the routes themselves: what their paths and
// methods say is taken from them, the rest from what they were given as Route::operation.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "http/router.hpp"

namespace tessera::service {

struct DocumentedAnswer {
  int status = 200;
  std::string doc;
  std::string schema = {};  ///< one of openapi_schemas(); empty: no body
  std::string content_type = "application/json";
};

struct DocumentedQuery {
  std::string name;
  std::string doc;
  std::string type = "string";
};

struct Documentation {
  std::string id;   ///< of the operation; unique
  std::string tag;  ///< "Jobs"
  std::string summary;
  std::vector<DocumentedAnswer> answers;
  std::vector<DocumentedQuery> query = {};
  std::string body_schema = {};                                ///< empty: no body
  std::vector<std::string> body_types = {"application/json"};  ///< others hold anything
  bool open = false;                                           ///< to everyone, without a token
};

/// For Route::operation.
[[nodiscard]] Json operation(const Documentation& documentation);

/// The schemas of what is sent and answered, by name.
[[nodiscard]] Json openapi_schemas();

/// Of all routes that have an operation.
[[nodiscard]] Json openapi_document(const http::Router& router, const std::string& version,
                                    const std::string& url);

/// Adds GET /openapi.json, which tells of the routes that are there by now, and of itself.
void mount_openapi(http::Router& router, const std::string& version, const std::string& url);

}  // namespace tessera::service
