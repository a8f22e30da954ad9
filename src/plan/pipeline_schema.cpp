// SPDX-License-Identifier: Apache-2.0
#include "plan/pipeline_schema.hpp"

#include <string>

#include "ops/catalog.hpp"

namespace tessera {
namespace {

Json operator_schema(const CatalogEntry& entry) {
  Json parameters = Json::object();
  for (const ParamInfo& param : entry.params) {
    parameters[param.name] = json_schema(param);
  }
  Json schema{
      {"title", std::string(entry.info.name)},
      {"description", std::string(entry.info.doc)},
      {"type", "object"},
      {"properties",
       {{"name", {{"const", std::string(entry.info.name)}}},
        {"version", {{"const", entry.info.version}}},
        {"parameters",
         {{"type", "object"}, {"properties", std::move(parameters)}, {"additionalProperties", false}}}}},
      {"required", Json::array({"name"})},
      {"additionalProperties", false},
      {"x-group", std::string(entry.info.group)},
      {"x-kind", entry.kind},
      {"x-transparency", std::string(entry.alpha)},
      {"x-definition", std::string(entry.info.definition)},
      {"x-example", std::string(entry.info.example)}};
  if (entry.info.tolerance > 0) {
    schema["x-tolerance"] = entry.info.tolerance;
    schema["x-tolerance-reason"] = std::string(entry.info.tolerance_reason);
  }
  return schema;
}

}  // namespace

Json pipeline_schema() {
  Json choices = Json::array();
  Json definitions = Json::object();
  for (const CatalogEntry& entry : catalog()) {
    const std::string name(entry.info.name);
    choices.push_back(Json{{"$ref", "#/$defs/" + name}});
    definitions[name] = operator_schema(entry);
  }
  Json operators{{"type", "array"}, {"maxItems", 256}, {"items", {{"oneOf", std::move(choices)}}}};
  return Json{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", "Tessera pipeline"},
              {"type", "object"},
              {"properties", {{"operators", std::move(operators)}}},
              {"required", Json::array({"operators"})},
              {"additionalProperties", false},
              {"$defs", std::move(definitions)}};
}

}  // namespace tessera
