// SPDX-License-Identifier: Apache-2.0
// The HTTP interface as an OpenAPI 3.1 document, generated from the routes: paths and methods are those of
// the routes, everything else comes from Route::operation.
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
  bool required = false;
};

struct DocumentedHeader {
  std::string name;
  std::string doc;
};

struct Documentation {
  std::string id;   ///< of the operation; unique
  std::string tag;  ///< "Jobs"
  std::string summary;
  std::vector<DocumentedAnswer> answers;
  std::vector<DocumentedQuery> query = {};
  std::vector<DocumentedHeader> headers = {};                  ///< of the request
  std::string body_schema = {};                                ///< empty: no body
  std::vector<std::string> body_types = {"application/json"};  ///< other types may hold any content
  bool open = false;                                           ///< no token required
};

/// For Route::operation.
[[nodiscard]] Json operation(const Documentation& documentation);

/// The schemas of requests and responses, by name.
[[nodiscard]] Json openapi_schemas();

/// The document for all routes that have an operation.
[[nodiscard]] Json openapi_document(const http::Router& router, const std::string& version,
                                    const std::string& url);

/// Adds GET /openapi.json, which describes the routes added so far and itself.
void mount_openapi(http::Router& router, const std::string& version, const std::string& url);

}  // namespace tessera::service
