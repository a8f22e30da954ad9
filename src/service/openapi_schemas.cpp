// SPDX-License-Identifier: Apache-2.0
#include "http/problem.hpp"
#include "ports/job.hpp"
#include "schema/output_options.hpp"
#include "service/access.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

Json reference(const char* schema) { return {{"$ref", std::string("#/components/schemas/") + schema}}; }
Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }

const Json text{{"type", "string"}};
const Json whole{{"type", "integer"}, {"minimum", 0}};
const Json flag{{"type", "boolean"}};
const Json moment{{"type", "string"}, {"format", "date-time"}};
const Json link{{"type", "string"}, {"format", "uri"}};
const Json fraction{{"type", "number"}, {"minimum", 0}, {"maximum", 1}};

/// An object schema without additional properties.
Json object(Json properties, const Json& required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", required},
          {"additionalProperties", false}};
}

Json all_required(const Json& properties) {
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items()) {
    required.push_back(name);
  }
  return object(properties, required);
}

/// With a sentence for what its members alone do not tell. Schemas that only require other members in other cases
/// ("anyOf": [{"required": ...}]) would tell it to programs too, but generators of clients make types of them that
/// take anything.
Json described(Json schema, const char* sentence) {
  schema["description"] = sentence;
  return schema;
}

Json names_of_states() {
  Json names = Json::array();
  for (int state = 0; state <= static_cast<int>(JobState::cancelled); ++state) {
    names.push_back(to_string(static_cast<JobState>(state)));
  }
  return names;
}

Json problem_names() {
  Json names = Json::array();
  for (const http::ProblemType& type : http::problem_types()) {
    names.push_back("/problems/" + std::string(type.name));
  }
  return names;
}

/// Members that depend on operators and versions.
const Json open_object{{"type", "object"}, {"additionalProperties", true}};
const Json pipeline{{"description",
                     "A text such as \"gaussian-blur sigma=2 | otsu\", JSON as /v1/operators defines it, or "
                     "{\"preset\": NAME}."},
                    {"oneOf", {text, open_object, list_of(open_object)}}};
const Json scope{{"type", "string"}, {"enum", scope_names(~0)}};
const Json priority{{"type", "string"}, {"enum", {"interactive", "bulk"}}};
const Json output = output_options_schema();
const Json webhook = all_required({{"url", text}, {"secret", {{"type", "string"}, {"minLength", 16}}}});

Json item_properties() {
  return {{"object", text},      {"source", all_required({{"url", {{"type", "string"}, {"format", "uri"}}}})},
          {"name", text},        {"pipeline", pipeline},
          {"preset", text},      {"output", output},
          {"priority", priority}};
}

Json submission() {
  Json one = item_properties();
  one["webhook"] = webhook;
  Json item = described(object(item_properties(), Json::array()), "It needs 'object' or 'source'.");
  Json many{{"items", list_of(std::move(item))},
            {"pipeline", pipeline},
            {"preset", text},
            {"output", output},
            {"priority", priority},
            {"webhook", webhook}};
  Json single = described(object(std::move(one), Json::array()),
                          "It needs 'object' or 'source', and 'pipeline' or 'preset'.");
  return {{"oneOf", {std::move(single), object(std::move(many), {"items"})}}};
}

Json pipeline_check() {
  return described(object({{"pipeline", pipeline}, {"preset", text}, {"output", output}}, Json::array()),
                   "It needs 'pipeline' or 'preset'.");
}

Json image_info() {
  Json info{{"type", "object"},
            {"description", "An ImageService3 of the IIIF Image API 3.0."},
            {"properties",
             {{"@context", text},
              {"id", link},
              {"type", text},
              {"protocol", text},
              {"profile", text},
              {"width", whole},
              {"height", whole}}},
            {"required", {"@context", "id", "type", "protocol", "profile", "width", "height"}},
            {"additionalProperties", true}};
  return info;
}

Json job() {
  const Json request =
      object({{"name", text}, {"pipeline", open_object}, {"output", output}, {"priority", priority}},
             {"name", "pipeline", "output", "priority"});
  const Json result = all_required({{"file_name", text},
                                    {"content_type", text},
                                    {"size_bytes", whole},
                                    {"width_px", whole},
                                    {"height_px", whole},
                                    {"findings", list_of(open_object)},
                                    {"warnings", list_of(text)}});
  Json properties{{"id", text},
                  {"batch", text},
                  {"owner", text},
                  {"request_id", text},
                  {"request", request},
                  {"generation", {{"type", "integer"}, {"minimum", 1}}},
                  {"state", {{"type", "string"}, {"enum", names_of_states()}}},
                  {"attempt", whole},
                  {"fraction", fraction},
                  {"stage", text},
                  {"node", text},
                  {"layout", {{"type", {"object", "null"}}, {"additionalProperties", true}}},
                  {"created", moment},
                  {"updated", moment},
                  {"links", {{"type", "object"}, {"additionalProperties", text}}}};
  Json required = all_required(properties).at("required");
  properties["failure"] = all_required({{"code", text}, {"sentence", text}});
  properties["result"] = result;
  return object(std::move(properties), required);
}

}  // namespace

Json openapi_schemas() {
  return {
      {"Submission", submission()},
      {"PipelineCheck", pipeline_check()},
      {"Presets", all_required({{"presets", list_of(all_required({{"name", text},
                                                                  {"pipeline", open_object},
                                                                  {"text", text},
                                                                  {"description", text},
                                                                  {"built_in", flag}}))}})},
      {"CheckedPipeline", all_required({{"pipeline", open_object}, {"text", text}})},
      {"ViewRequest",
       object({{"object", text}, {"job", text}, {"input", flag}, {"pipeline", pipeline}, {"preset", text}},
              Json::array())},
      {"View", all_required({{"identifier", text},
                             {"info", {{"type", "string"}, {"format", "uri"}}},
                             {"tiles", text},
                             {"tile_levels", {{"type", "integer"}, {"minimum", 1}}},
                             {"width_px", whole},
                             {"height_px", whole},
                             {"expires", moment}})},
      {"ImageInfo", image_info()},
      {"UploadRequest", object({{"content_type", text}, {"size_bytes", whole}}, Json::array())},
      {"Upload",
       object({{"object", text},
               {"upload", all_required({{"method", {{"const", "PUT"}}},
                                        {"url", link},
                                        {"headers", {{"type", "object"}, {"additionalProperties", text}}},
                                        {"expires", moment}})},
               {"parts", all_required({{"upload", text},
                                       {"size_bytes", whole},
                                       {"part_bytes", whole},
                                       {"count", whole},
                                       {"links", list_of(reference("PartLink"))}})}},
              {"object"})},
      {"PartLink",
       all_required({{"number", whole}, {"size_bytes", whole}, {"url", link}, {"expires", moment}})},
      {"PartLinksRequest", all_required({{"object", text},
                                         {"upload", text},
                                         {"size_bytes", whole},
                                         {"parts", list_of({{"type", "integer"}, {"minimum", 1}})}})},
      {"PartLinks", all_required({{"links", list_of(reference("PartLink"))}})},
      {"UploadInParts", all_required({{"object", text}, {"upload", text}, {"size_bytes", whole}})},
      {"ReceivedParts",
       all_required(
           {{"object", text}, {"parts", list_of(all_required({{"number", whole}, {"size_bytes", whole}}))}})},
      {"StoredObject", all_required({{"object", text}, {"size_bytes", whole}})},
      {"Job", job()},
      {"JobPage", object({{"jobs", list_of(reference("Job"))}, {"next", text}}, {"jobs"})},
      {"Batch",
       all_required(
           {{"id", text},
            {"owner", text},
            {"state", {{"type", "string"}, {"enum", {"queued", "running", "done", "failed", "cancelled"}}}},
            {"fraction", fraction},
            {"counts", {{"type", "object"}, {"additionalProperties", whole}}},
            {"created", moment},
            {"jobs", list_of(reference("Job"))},
            {"links", {{"type", "object"}, {"additionalProperties", text}}}})},
      {"ResultLink", all_required({{"url", {{"type", "string"}, {"format", "uri"}}},
                                   {"expires", moment},
                                   {"file_name", text},
                                   {"size_bytes", whole}})},
      {"StreamToken", all_required({{"token", text}, {"expires", moment}})},
      {"Operators", described(open_object, "A JSON Schema, with an entry of $defs per operator.")},
      {"Document", open_object},
      {"Caller",
       object({{"owner", text}, {"scopes", list_of(scope)}, {"expires", moment}}, {"owner", "scopes"})},
      {"Nodes", all_required({{"nodes", list_of(all_required({{"id", text},
                                                              {"host", text},
                                                              {"version", text},
                                                              {"details", open_object},
                                                              {"seen", moment}}))}})},
      {"DeadLetter", all_required({{"id", text},
                                   {"job", text},
                                   {"generation", whole},
                                   {"reason", text},
                                   {"attempts", whole},
                                   {"time", moment}})},
      {"Unreadable", all_required({{"id", text}, {"reason", text}, {"found", moment}})},
      {"DeadLetters", all_required({{"dead", list_of(reference("DeadLetter"))},
                                    {"unreadable", list_of(reference("Unreadable"))}})},
      {"Health", all_required({{"status", text}, {"version", text}})},
      {"Readiness",
       all_required({{"ready", flag}, {"parts", {{"type", "object"}, {"additionalProperties", text}}}})},
      {"ProblemType", all_required({{"type", text}, {"title", text}, {"status", whole}})},
      {"Text", text},
      {"Bytes", {{"type", "string"}, {"format", "binary"}}},
      {"Problem", all_required({{"type", {{"type", "string"}, {"enum", problem_names()}}},
                                {"title", text},
                                {"status", whole},
                                {"detail", text},
                                {"instance", text}})}};
}

}  // namespace tessera::service
