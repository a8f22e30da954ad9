// Links of a local folder lead here.
#include <fmt/format.h>

#include "core/error.hpp"
#include "http/problem.hpp"
#include "net/crypto.hpp"
#include "service/gateway/gateway.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

LinkSigner::Query link_query(const http::Request& request) {
  const auto field = [&](const char* name) { return request.query_value(name).value_or(""); };
  return {field(LinkSigner::expires_field), field(LinkSigner::content_type_field),
          field(LinkSigner::file_name_field), field(LinkSigner::signature_field)};
}

}  // namespace

void Gateway::mount_objects(http::Router& router) {
  if (!options_.links) {
    return;
  }
  const auto admit = [this](http::Request& request) {
    options_.links->verify(request.method, request.parameter("name"), link_query(request), options_.now());
    request.note = request.parameter("name");
  };
  router.add(
      {.method = "GET",
       .pattern = "/objects/{name...}",
       .handler =
           [this](http::Request& request) {
             const std::string& name = request.parameter("name");
             const auto file = ports_.objects.local_file(name);
             const auto info = ports_.objects.stat(name);
             if (!file || !info) {
               throw Error(ErrorCode::not_found, fmt::format("There is no object '{}' any more.", name));
             }
             const LinkSigner::Query query = link_query(request);
             const std::string type = query.content_type.empty() ? info->content_type : query.content_type;
             http::Response response{200, {}, http::FileContent{std::make_shared<http::OpenFile>(*file)}};
             response.with("Content-Type", type.empty() ? "application/octet-stream" : type)
                 .with("Cache-Control", "private, no-store")
                 .with("X-Content-Type-Options", "nosniff")
                 .with("ETag",
                       fmt::format("\"{}-{}\"", info->size_bytes, info->modified.time_since_epoch().count()));
             if (!query.file_name.empty()) {
               response.with("Content-Disposition", attachment(query.file_name));
             }
             return response;
           },
       .admit = admit,
       .operation = operation({.id = "getObject",
                               .tag = "Uploads",
                               .summary = "What a link leads to.",
                               .answers = {{200, "The bytes.", "Bytes", "application/octet-stream"},
                                           {206, "A range of them.", "Bytes", "application/octet-stream"}},
                               .open = true})});
  router.add({.method = "PUT",
              .pattern = "/objects/{name...}",
              .handler =
                  [this](http::Request& request) {
                    const std::string wanted = link_query(request).content_type;
                    const std::string type = request.header("Content-Type");
                    if (!wanted.empty() && type != wanted) {
                      throw http::ProblemError(http::make_problem(
                          "unsupported-media-type",
                          fmt::format("The link was made for '{}', and the body is '{}'.", wanted, type)));
                    }
                    const auto body = request.body.open();
                    const ObjectInfo info = ports_.objects.put(request.parameter("name"), *body, type);
                    return http::json_response(200, {{"object", info.name}, {"size_bytes", info.size_bytes}});
                  },
              .admit = admit,
              .max_body_bytes = options_.max_upload_bytes,
              .operation = operation({.id = "putObject",
                                      .tag = "Uploads",
                                      .summary = "Stores what a link was made for.",
                                      .answers = {{200, "It is stored.", "StoredObject"}},
                                      .body_schema = "Bytes",
                                      .body_types = {"application/octet-stream"},
                                      .open = true})});
}

}  // namespace tessera::service
