// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/image_server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "net/crypto.hpp"
#include "service/gateway/request_json.hpp"
#include "service/gateway/submission.hpp"
#include "service/openapi.hpp"
#include "service/web_page.hpp"

namespace tessera::service {
namespace {

constexpr std::int64_t max_json_bytes = std::int64_t{128} << 10;
constexpr std::size_t max_remembered = 1000;
constexpr std::chrono::seconds stat_lifetime{10};
constexpr const char* info_type = "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";
constexpr const char* input_suffix = ":input";

/// SOURCE@PIPELINE and SIGNATURE of an identifier.
struct Identifier {
  std::string subject;
  std::string signature;
  explicit Identifier(const std::string& text) : subject(text) {
    const std::size_t tilde = text.rfind('~');
    if (tilde != std::string::npos && Access::is_signature(std::string_view(text).substr(tilde + 1))) {
      subject = text.substr(0, tilde);
      signature = text.substr(tilde + 1);
    }
  }
};

/// The owner's folder of an object: "alice" of "uploads/alice/photo". Empty for other names.
std::string owner_of(const std::string& object) {
  for (const std::string_view folder : {"uploads/", "results/"}) {
    if (object.starts_with(folder)) {
      const std::size_t end = object.find('/', folder.size());
      return end == std::string::npos ? std::string() : object.substr(folder.size(), end - folder.size());
    }
  }
  return {};
}

[[noreturn]] void throw_no_image(const std::string& name) {
  throw Error(ErrorCode::not_found,
              fmt::format("There is no image '{}'; it may have expired.", name.substr(0, 200)));
}

/// SOURCE[@PIPELINE] of {"object"} or {"job", "input"}, and perhaps "pipeline" or "preset".
std::string view_subject(const Json& json, const Presets& presets) {
  const auto refuse = [](const std::string& sentence) { throw Error(ErrorCode::usage, sentence); };
  if (!json.is_object()) {
    refuse("The request must be a JSON object, such as {\"job\": \"job_...\"}.");
  }
  for (const auto& [name, value] : json.items()) {
    constexpr std::array known{"object", "job", "input", "pipeline", "preset"};
    if (std::ranges::find(known, name) == known.end()) {
      refuse(fmt::format("The request has the unknown field '{}'; known are: {}.", name.substr(0, 100),
                         fmt::join(known, ", ")));
    }
    if (name == "input" ? !value.is_boolean() : name != "pipeline" && !value.is_string()) {
      refuse(fmt::format("'{}' must be {}.", name, name == "input" ? "true or false" : "a text"));
    }
  }
  if (json.contains("object") == json.contains("job")) {
    refuse("The request needs either 'object' or 'job'.");
  }
  std::string subject = json.contains("object") ? json["object"] : json["job"];
  if (json.contains("input") && json["input"].get<bool>()) {
    if (!json.contains("job")) {
      refuse("'input' goes with 'job' alone.");
    }
    subject += input_suffix;
  }
  if (subject.find('@') != std::string::npos) {
    throw_no_image(subject);
  }
  if (json.contains("pipeline") && json.contains("preset")) {
    refuse("Give 'pipeline' or 'preset', not both.");
  }
  if (json.contains("pipeline") || json.contains("preset")) {
    const Json pipeline = json.contains("pipeline") ? json["pipeline"] : Json{{"preset", json["preset"]}};
    subject += '@' + check_pipeline({{"pipeline", pipeline}}, presets).at("text").get<std::string>();
  }
  return subject;
}

/// Forgets something when a map of what can be asked again is full.
template <class Map>
void make_room(Map& map) {
  if (map.size() >= max_remembered) {
    map.erase(map.begin());
  }
}

}  // namespace

ImageServer::ImageServer(ImageServerOptions options, ImageServerPorts ports)
    : options_(std::move(options)),
      ports_(ports),
      files_(options_.files, ports_.objects),
      parts_(options_.max_cached_bytes),
      pool_(options_.pool) {}

std::string ImageServer::Picture::etag(const std::string& of) const {
  return fmt::format(
      "\"{}\"", to_hex(sha256(fmt::format("{} {} {}", file.key, file.pipeline.dump(), of))).substr(0, 32));
}

void ImageServer::mount(http::Router& router) {
  router.add(
      {.method = "POST",
       .pattern = "/v1/views",
       .handler = [this](http::Request& request) { return create(request); },
       .admit = require_scope(ports_.access, Scope::read),
       .max_body_bytes = max_json_bytes,
       .content_types = {"application/json"},
       .operation = operation(
           {.id = "createView",
            .tag = "Viewing",
            .summary = "Addresses for viewing an image, or what a pipeline makes of it, part by part. They "
                       "work without a token until they expire.",
            .answers = {{200, "The addresses.", "View"}},
            .body_schema = "ViewRequest"}),
       .lane = http::Lane::viewing});
  mount_pictures(router);
}

void ImageServer::mount_pictures(http::Router& router) {
  // The identifier decides who may see it. Its signature must not reach logs.
  const auto admit = [this](http::Request& request) {
    const Identifier identifier(request.parameter("identifier"));
    if (const std::size_t at = request.path.rfind(identifier.signature);
        !identifier.signature.empty() && at != std::string::npos) {
      request.path.replace(at, identifier.signature.size(), "(signature)");
    }
    request.note = identifier.subject;
    request.caller = identifier.signature.empty()
                         ? ports_.access.check(request, Scope::read)
                         : ports_.access.check_subject(identifier.subject, identifier.signature);
  };
  const auto add = [&](const char* pattern, http::Response (ImageServer::*handler)(const http::Request&),
                       const Documentation& documentation) {
    router.add({.method = "GET",
                .pattern = pattern,
                .handler = [this, handler](http::Request& request) { return (this->*handler)(request); },
                .admit = admit,
                .operation = operation(documentation),
                .lane = http::Lane::viewing});
  };
  const DocumentedAnswer known{304, "The client has it already."};
  const DocumentedAnswer costly{
      413,
      fmt::format("It has more than {} pixels, or is made of more than {} pixels of the file.",
                  options_.pool.max_part_pixels, options_.pool.max_read_pixels),
      "Problem", problem_type};
  const DocumentedAnswer not_local{422, "The pipeline looks at the whole image for each pixel of its result.",
                                   "Problem", problem_type};
  std::vector<DocumentedAnswer> pictures{known, costly, not_local};
  for (const FileFormatInfo& format : file_format_table) {
    pictures.push_back({200, "The picture.", "Bytes", std::string(format.media_type)});
  }
  router.add(
      "GET", "/iiif/{identifier}", admit,
      [](http::Request& request) {
        return http::redirect_response(
            303, fmt::format("/iiif/{}/info.json", percent_encode(request.parameter("identifier"))));
      },
      operation({.id = "getImageService",
                 .tag = "Viewing",
                 .summary = "Redirects to the description of the image.",
                 .answers = {{303, "To info.json."}}}));
  add("/iiif/{identifier}/info.json", &ImageServer::describe,
      {.id = "getImageInfo",
       .tag = "Viewing",
       .summary = "Describes an image (IIIF Image API 3.0, level 2). The identifier is an object, a job or "
                  "JOB:input, and perhaps @ and a pipeline.",
       .answers = {{200, "info.json.", "ImageInfo"}, known, not_local}});
  add("/iiif/{identifier}/{region}/{size}/{rotation}/{quality}", &ImageServer::iiif_part,
      {.id = "getImagePart",
       .tag = "Viewing",
       .summary = "A part of an image, scaled, turned, and encoded: the last part of the path is "
                  "QUALITY.FORMAT (IIIF Image API 3.0, level 2).",
       .answers = pictures});
  add("/tiles/{identifier}/{z}/{x}/{y}", &ImageServer::xyz_tile,
      {.id = "getTile",
       .tag = "Viewing",
       .summary =
           fmt::format("A tile of {0} x {0} pixels: at level 0 the whole image is one, and at each level "
                       "below it is twice as large. The last part of the path is ROW.FORMAT.",
                       xyz_tile_px),
       .answers = pictures});
}

ImageServer::Source ImageServer::source_of(const std::string& name, const Caller& caller) {
  if (name.starts_with("job_")) {
    const bool input = name.ends_with(input_suffix);
    const std::string id = input ? name.substr(0, name.size() - std::string_view(input_suffix).size()) : name;
    const auto job = ports_.jobs.find(id);
    if (!job || !caller.may_see(job->owner)) {
      throw Error(ErrorCode::not_found,
                  fmt::format("There is no job '{}'; it may have expired.", id.substr(0, 100)));
    }
    if (input) {
      return {job->owner, job->request.object, job->request.name};
    }
    if (!job->result) {
      throw http::ProblemError(http::make_problem(
          "not-finished", fmt::format("The job is {} and has no result.", to_string(job->state))));
    }
    return {job->owner, job->result->object, job->result->file_name};
  }
  const std::string owner = owner_of(name);
  if (owner.empty() || !caller.may_see(owner)) {
    throw_no_image(name);
  }
  check_object_name(name);
  return {owner, name, name.substr(name.rfind('/') + 1)};
}

ObjectInfo ImageServer::stat(const std::string& object) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(mutex_);
    const auto known = stats_.find(object);
    if (known != stats_.end() && now - known->second.at < stat_lifetime) {
      return known->second.info;
    }
  }
  const auto info = ports_.objects.stat(object);
  if (!info) {
    ports_.objects.check();  // reports an unavailable store instead of a missing object
    throw_no_image(object);
  }
  const std::scoped_lock lock(mutex_);
  make_room(stats_);
  stats_[object] = {*info, now};
  return *info;
}

Json ImageServer::pipeline_of(const std::string& text) {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = pipelines_.find(text); known != pipelines_.end()) {
      return known->second;
    }
  }
  Json pipeline = check_pipeline({{"pipeline", text}}, options_.presets).at("pipeline");
  const std::scoped_lock lock(mutex_);
  make_room(pipelines_);
  return pipelines_[text] = std::move(pipeline);
}

ImageServer::Picture ImageServer::picture_of(const http::Request& request) {
  return picture_of(request, request.parameter("identifier"), caller_of(request));
}

ImageServer::Picture ImageServer::picture_of(const http::Request& request, const std::string& identifier,
                                             const Caller& caller) {
  const std::string subject = Identifier(identifier).subject;
  const std::size_t at = subject.find('@');
  const Source source = source_of(subject.substr(0, at), caller);
  Picture picture;
  picture.identifier = identifier;
  if (at != std::string::npos) {
    if (caller.owner != source.owner) {
      throw Error(ErrorCode::forbidden, "Only its owner may view an image through a pipeline.");
    }
    picture.file.pipeline = pipeline_of(subject.substr(at + 1));
  }
  picture.object = stat(source.object);
  picture.file.owner = source.owner;
  picture.file.key = version_of(picture.object);
  picture.file.name = source.name;
  const std::string version = fmt::format("{} {}", picture.file.key, picture.file.pipeline.dump());
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = sizes_.find(version); known != sizes_.end()) {
      picture.size = known->second;
      return picture;
    }
  }
  open(request, picture);
  const ImageShown shown = pool_.describe(picture.file, [&request] { request.check_cancelled(); });
  picture.size = {shown.width_px, shown.height_px};
  const std::scoped_lock lock(mutex_);
  make_room(sizes_);
  sizes_[version] = picture.size;
  return picture;
}

void ImageServer::open(const http::Request& request, Picture& picture) {
  if (!picture.file.file) {
    picture.file.file = files_.open(picture.object, [&request] { request.check_cancelled(); });
  }
}

http::Response ImageServer::create(const http::Request& request) {
  const Json json = json_of(request, max_json_bytes);
  const Caller& caller = caller_of(request);
  const std::string subject = view_subject(json, options_.presets);
  const Picture picture = picture_of(request, subject, caller);
  const TimePoint expires = options_.now() + options_.link_lifetime;
  const std::string signature = ports_.access.sign_subject(caller, subject, expires);
  const std::string identifier = signature.empty() ? subject : fmt::format("{}~{}", subject, signature);
  const std::string encoded = percent_encode(identifier);
  return http::json_response(
      200, {{"identifier", identifier},
            {"info", fmt::format("{}/iiif/{}/info.json", options_.public_url, encoded)},
            {"tiles", fmt::format("{}/tiles/{}/{{z}}/{{x}}/{{y}}.png", options_.public_url, encoded)},
            {"tile_levels", xyz_levels(picture.size) + 1},
            {"width_px", picture.size.width},
            {"height_px", picture.size.height},
            {"expires", to_iso8601(expires)}});
}

http::Response ImageServer::describe(const http::Request& request) {
  const Picture picture = picture_of(request);
  const Json info =
      iiif_info(fmt::format("{}/iiif/{}", options_.public_url, percent_encode(picture.identifier)),
                picture.size, options_.pool.max_part_pixels);
  const bool linked = request.header("Accept").find("application/ld+json") != std::string::npos;
  return finished(request, info.dump() + "\n", linked ? info_type : "application/json",
                  picture.etag(info.dump() + (linked ? "ld" : "")))
      .with("Vary", "Accept");
}

http::Response ImageServer::iiif_part(const http::Request& request) {
  Picture picture = picture_of(request);
  const IiifPart part =
      parse_iiif(request.parameter("region"), request.parameter("size"), request.parameter("rotation"),
                 request.parameter("quality"), picture.size, options_.pool.max_part_pixels);
  return show(request, std::move(picture), part);
}

http::Response ImageServer::xyz_tile(const http::Request& request) {
  Picture picture = picture_of(request);
  const auto part =
      parse_xyz(request.parameter("z"), request.parameter("x"), request.parameter("y"), picture.size);
  if (!part) {
    throw Error(ErrorCode::not_found,
                fmt::format("The picture, which is {}x{}, has no tile {}/{}/{}.", picture.size.width,
                            picture.size.height, request.parameter("z"), request.parameter("x"),
                            request.parameter("y")));
  }
  return show(request, std::move(picture), *part);
}

http::Response ImageServer::show(const http::Request& request, Picture picture, const IiifPart& part) {
  const std::string etag = picture.etag(part.canonical);
  const std::string type(format_info(part.format).media_type);
  std::shared_ptr<const std::string> content;
  if (!matches_etag(request.header("If-None-Match"), etag)) {
    content = parts_.find(etag);
    if (!content) {
      open(request, picture);
      content = pool_.render(picture.file, part.part, [&request] { request.check_cancelled(); });
      parts_.keep(etag, content);
    }
  }
  return finished(request, content ? *content : std::string(), type, etag)
      .with("Link", fmt::format("<{}/iiif/{}/{}>;rel=\"canonical\", "
                                "<http://iiif.io/api/image/3/level2.json>;rel=\"profile\"",
                                options_.public_url, percent_encode(picture.identifier), part.canonical));
}

http::Response ImageServer::finished(const http::Request& request, std::string content,
                                     const std::string& type, const std::string& etag) const {
  const bool known = matches_etag(request.header("If-None-Match"), etag);
  http::Response response =
      known ? http::Response{304, {}, std::string()} : http::text_response(200, std::move(content), type);
  response.with("ETag", etag)
      .with("Cache-Control", "private, max-age=600")
      .with("Content-Security-Policy", "default-src 'none'; sandbox");
  if (!ports_.access.open()) {
    // Whoever asks has sent a token or a signature, which pages of others do not have.
    response.with("Access-Control-Allow-Origin", "*");
  }
  return response;
}

}  // namespace tessera::service
