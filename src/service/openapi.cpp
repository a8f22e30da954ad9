// SPDX-License-Identifier: Apache-2.0
#include "service/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <string_view>

namespace tessera::service {
namespace {

Json reference(const std::string& schema) { return {{"$ref", "#/components/schemas/" + schema}}; }

/// "/objects/{name}" of "/objects/{name...}".
std::string path_template(std::string pattern) {
  const std::size_t dots = pattern.find("...}");
  return dots == std::string::npos ? pattern : pattern.erase(dots, 3);
}

Json path_parameters(const std::string& path) {
  Json parameters = Json::array();
  for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
    parameters.push_back({{"name", path.substr(open + 1, path.find('}', open) - open - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  return parameters;
}

}  // namespace

Json operation(const Documentation& documentation) {
  Json json{{"operationId", documentation.id},
            {"tags", {documentation.tag}},
            {"summary", documentation.summary},
            {"parameters", Json::array()},
            {"responses", Json::object()}};
  for (const DocumentedQuery& query : documentation.query) {
    json["parameters"].push_back({{"name", query.name},
                                  {"in", "query"},
                                  {"description", query.doc},
                                  {"required", query.required},
                                  {"schema", {{"type", query.type}}}});
  }
  for (const DocumentedHeader& header : documentation.headers) {
    json["parameters"].push_back({{"name", header.name},
                                  {"in", "header"},
                                  {"description", header.doc},
                                  {"schema", {{"type", "string"}}}});
  }
  for (const DocumentedAnswer& answer : documentation.answers) {
    // The same status may come with bodies of several types.
    Json& response = json["responses"][std::to_string(answer.status)];
    response["description"] = answer.doc;
    if (!answer.schema.empty()) {
      response["content"][answer.content_type]["schema"] = reference(answer.schema);
    }
  }
  json["responses"]["default"] = {{"$ref", "#/components/responses/Problem"}};
  if (!documentation.body_schema.empty()) {
    json["requestBody"]["required"] = true;
    for (const std::string& type : documentation.body_types) {
      json["requestBody"]["content"][type]["schema"] =
          type == "application/json" ? reference(documentation.body_schema)
          : type == "multipart/form-data"
              ? Json{{"type", "object"},
                     {"additionalProperties", true},
                     {"description", "Files, each an item, and the fields of a submission without 'items'."}}
              : Json{{"type", "string"}, {"format", "binary"}};
    }
  }
  if (documentation.open) {
    json["security"] = Json::array();
  }
  return json;
}

Json openapi_document(const http::Router& router, const std::string& version, const std::string& url) {
  Json paths = Json::object();
  for (const http::Route& route : router.routes()) {
    if (route.operation.is_null()) {
      continue;
    }
    const std::string path = path_template(route.pattern);
    Json operation = route.operation;
    Json parameters = path_parameters(path);
    parameters.insert(parameters.end(), operation["parameters"].begin(), operation["parameters"].end());
    operation["parameters"] = std::move(parameters);
    std::string method = route.method;
    std::ranges::transform(method, method.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths[path][method] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Tessera"},
            {"version", version},
            {"summary", "Distributed image processing: upload, submit, follow, download."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", {{{"url", url}}}},
          {"security", {{{"token", Json::array()}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"schemas", openapi_schemas()},
            {"securitySchemes",
             {{"token",
               {{"type", "http"},
                {"scheme", "bearer"},
                {"description",
                 "Created with `tessera token add`, or at the first start of `tessera serve`."}}}}},
            {"responses",
             {{"Problem",
               {{"description", "An error description (RFC 9457)."},
                {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}}}}}}}};
}

void mount_openapi(http::Router& router, const std::string& version, const std::string& url) {
  const auto document = std::make_shared<std::string>();
  router.add(
      "GET", "/openapi.json", {},
      [document](http::Request&) { return http::text_response(200, *document, "application/json"); },
      operation({.id = "getOpenApi",
                 .tag = "System",
                 .summary = "This document.",
                 .answers = {{200, "OpenAPI 3.1.", "Document"}},
                 .open = true}));
  *document = openapi_document(router, version, url).dump(2) + "\n";
}

}  // namespace tessera::service
