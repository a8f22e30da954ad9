// SPDX-License-Identifier: Apache-2.0
// Serves the presigned links of a local folder.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "http/text.hpp"
#include "net/crypto.hpp"
#include "ports/part_uploads.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

LinkSigner::Query link_query(const http::Request& request) {
  const auto field = [&](const char* name) { return request.query_value(name).value_or(""); };
  return {field(LinkSigner::expires_field), field(LinkSigner::content_type_field),
          field(LinkSigner::file_name_field), field(LinkSigner::part_field),
          field(LinkSigner::signature_field)};
}

/// Types that a browser shows as a picture and never executes. SVG is not included: it may contain scripts.
constexpr std::array<std::string_view, 12> picture_types{"image/png",
                                                         "image/jpeg",
                                                         "image/tiff",
                                                         "image/webp",
                                                         "image/gif",
                                                         "image/bmp",
                                                         "image/avif",
                                                         "image/heif",
                                                         "image/heic",
                                                         "image/x-portable-pixmap",
                                                         "image/x-portable-graymap",
                                                         "image/x-portable-bitmap"};

/// Uploaders may choose any type. On this origin, which handles tokens and other users' links, an object must
/// be no more than a picture or a download.
std::string harmless_type(const std::string& type) {
  const std::string plain = http::media_type(type);
  return std::ranges::find(picture_types, plain) == picture_types.end() ? "application/octet-stream" : plain;
}

/// From the Content-Length header; zero for chunked bodies.
std::int64_t announced_bytes(const http::Request& request) {
  return std::max(0LL, std::atoll(request.header("Content-Length").c_str()));
}

/// Throws Error(usage): a part has the size that its link was made for.
void check_part_size(const LinkSigner::Part& part, std::int64_t size_bytes) {
  if (size_bytes != part.size_bytes) {
    throw Error(ErrorCode::usage, fmt::format("Part {} must have {} bytes, and the body has {}.", part.number,
                                              part.size_bytes, size_bytes));
  }
}

/// The input of an accepted job must not change, and is not counted any more.
[[noreturn]] void throw_upload_closed(const std::string& object) {
  throw Error(ErrorCode::conflict,
              fmt::format("Nothing can be uploaded to '{}' any more: a job uses it, or the reservation has "
                          "expired. Get another with POST /v1/uploads.",
                          object.substr(0, 200)));
}

}  // namespace

void Gateway::check_upload_room(const std::string& object, std::int64_t size_bytes) {
  const std::int64_t limit = options_.uploads_per_owner.max_bytes;
  const SizeUpdate update = ports_.uploads.record_size(object, size_bytes, limit);
  if (update == SizeUpdate::not_found) {
    throw_upload_closed(object);
  }
  if (update == SizeUpdate::over_limit) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("With the {} bytes of '{}' its owner's unused uploads would exceed "
                            "the limit of {} bytes: submit jobs with them, or wait until they expire.",
                            size_bytes, object, limit));
  }
}

http::Response Gateway::put_part(const http::Request& request, const LinkSigner::Part& part) {
  check_part_size(part, request.body.size());
  const auto body = request.body.open();
  const ObjectPart stored =
      ports_.objects.part_uploads().put_part(request.parameter("name"), part.upload, part.number, *body);
  return http::json_response(200, {{"object", request.parameter("name")}, {"size_bytes", stored.size_bytes}});
}

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
               throw Error(ErrorCode::not_found, fmt::format("The object '{}' no longer exists.", name));
             }
             const LinkSigner::Query query = link_query(request);
             const std::string type =
                 harmless_type(query.content_type.empty() ? info->content_type : query.content_type);
             http::Response response{200, {}, http::FileContent{std::make_shared<http::OpenFile>(*file)}};
             response.with("Content-Type", type)
                 .with("Cache-Control", "private, no-store")
                 .with("Content-Security-Policy", "default-src 'none'; sandbox")
                 .with("X-Content-Type-Options", "nosniff")
                 .with("ETag",
                       fmt::format("\"{}-{}\"", info->size_bytes, info->modified.time_since_epoch().count()));
             if (!query.file_name.empty()) {
               response.with("Content-Disposition", attachment(query.file_name));
             } else if (!type.starts_with("image/")) {
               response.with("Content-Disposition", "attachment");
             }
             return response;
           },
       .admit = admit,
       .operation = operation({.id = "getObject",
                               .tag = "Uploads",
                               .summary = "Downloads an object by a presigned link.",
                               .answers = {{200, "The bytes.", "Bytes", "application/octet-stream"},
                                           {206, "A range of them.", "Bytes", "application/octet-stream"}},
                               .open = true}),
       .lane = http::Lane::heavy});
  router.add(
      {.method = "PUT",
       .pattern = "/objects/{name...}",
       .handler =
           [this](http::Request& request) {
             if (const auto part = LinkSigner::part_of(link_query(request))) {
               return put_part(request, *part);
             }
             const std::string wanted = link_query(request).content_type;
             const std::string type = request.header("Content-Type");
             if (!wanted.empty() && type != wanted) {
               throw http::ProblemError(http::make_problem(
                   "unsupported-media-type",
                   fmt::format("The link was made for '{}', and the body is '{}'.", wanted, type)));
             }
             check_upload_room(request.parameter("name"), request.body.size());
             const auto body = request.body.open();
             const ObjectInfo info = ports_.objects.put(request.parameter("name"), *body, type);
             if (ports_.uploads.record_size(info.name, info.size_bytes, 0) == SizeUpdate::not_found) {
               // A job was accepted during the upload. Its input has been replaced, which it will report; the
               // new data is not covered by any quota, so it is removed.
               ports_.objects.remove(info.name);
               throw_upload_closed(info.name);
             }
             return http::json_response(200, {{"object", info.name}, {"size_bytes", info.size_bytes}});
           },
       .admit =
           [this, admit](http::Request& request) {
             admit(request);
             if (const auto part = LinkSigner::part_of(link_query(request))) {
               check_part_size(*part, announced_bytes(request));
               return;
             }
             // Before the body is read; reserves the announced size.
             check_upload_room(request.parameter("name"), announced_bytes(request));
           },
       .count_body =
           [this](http::Request& request) {
             if (const auto part = LinkSigner::part_of(link_query(request))) {
               check_part_size(*part, request.body.size());
               return;
             }
             check_upload_room(request.parameter("name"), request.body.size());
           },
       .max_body_bytes = options_.max_upload_bytes,
       .operation = operation({.id = "putObject",
                               .tag = "Uploads",
                               .summary = "Uploads an object by a presigned link.",
                               .answers = {{200, "It is stored.", "StoredObject"},
                                           {409, "A job uses the object, or the reservation has expired.",
                                            "Problem", problem_type},
                                           {413, upload_limit_text(), "Problem", problem_type}},
                               .body_schema = "Bytes",
                               .body_types = {"application/octet-stream"},
                               .open = true}),
       .lane = http::Lane::heavy});
}

}  // namespace tessera::service
