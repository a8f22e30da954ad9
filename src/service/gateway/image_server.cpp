// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/image_server.hpp"

#include <fmt/format.h>

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
/// Changes of an object, and of a job, are seen after this time.
constexpr std::chrono::seconds picture_lifetime{10};
constexpr const char* kept_for_minutes = "private, max-age=600";
constexpr const char* kept_for_a_day = "private, max-age=86400, immutable";
constexpr const char* info_type = "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";

/// Its signature must not reach logs.
void note_identifier(http::Request& request, const ViewIdentifier& identifier) {
  if (const std::size_t at = request.path.rfind(identifier.signature);
      !identifier.signature.empty() && at != std::string::npos) {
    request.path.replace(at, identifier.signature.size(), "(signature)");
  }
  request.note = identifier.subject;
}

}  // namespace

ImageServer::ImageServer(ImageServerOptions options, ImageServerPorts ports)
    : options_(std::move(options)),
      ports_(ports),
      files_(options_.files, ports_.objects),
      parts_(options_.max_cached_bytes),
      pool_(options_.pool),
      pictures_({.lifetime = picture_lifetime, .max_values = max_remembered}) {}

std::string ImageServer::Picture::etag(const std::string& of) const {
  return fmt::format("\"{}\"", to_hex(sha256(fmt::format("{} {}", version, of))).substr(0, 32));
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
  // The identifier decides who may see it.
  const auto admit = [this](http::Request& request) {
    const ViewIdentifier identifier(request.parameter("identifier"));
    note_identifier(request, identifier);
    request.caller = identifier.signature.empty()
                         ? ports_.access.check(request, Scope::read)
                         : ports_.access.check_subject(identifier.subject, identifier.signature);
  };
  const auto add = [&](const char* pattern, const Documentation& documentation, http::Handler handler,
                       std::function<std::optional<http::Response>(http::Request&)> from_memory = {}) {
    router.add({.method = "GET",
                .pattern = pattern,
                .handler = std::move(handler),
                .from_memory = std::move(from_memory),
                .admit = admit,
                .operation = operation(documentation),
                .lane = http::Lane::viewing});
  };
  const auto add_parts = [&](const char* pattern, const Documentation& documentation, PartOf part_of) {
    add(
        pattern, documentation,
        [this, part_of](http::Request& request) {
          const auto picture = picture_of(request);
          return show(request, *picture, (this->*part_of)(request, picture->size));
        },
        [this, part_of](http::Request& request) { return known_part(request, part_of); });
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
  add("/iiif/{identifier}/info.json",
      {.id = "getImageInfo",
       .tag = "Viewing",
       .summary = "Describes an image (IIIF Image API 3.0, level 2). The identifier is an object, a job or "
                  "JOB:input, and perhaps @ and a pipeline.",
       .answers = {{200, "info.json.", "ImageInfo"}, known, not_local}},
      [this](http::Request& request) { return describe(request); });
  add_parts("/iiif/{identifier}/{region}/{size}/{rotation}/{quality}",
            {.id = "getImagePart",
             .tag = "Viewing",
             .summary = "A part of an image, scaled, turned, and encoded: the last part of the path is "
                        "QUALITY.FORMAT (IIIF Image API 3.0, level 2).",
             .answers = pictures},
            &ImageServer::iiif_part);
  add_parts("/tiles/{identifier}/{z}/{x}/{y}",
            {.id = "getTile",
             .tag = "Viewing",
             .summary = fmt::format(
                 "A tile of {0} x {0} pixels: at level 0 the whole image is one, and at each level "
                 "below it is twice as large. The last part of the path is ROW.FORMAT.",
                 xyz_tile_px),
             .answers = pictures},
            &ImageServer::xyz_tile);
}

ImageServer::Source ImageServer::source_of(const ViewSubject& subject, const Caller& caller) {
  if (subject.job.empty()) {
    const std::string& name = subject.object;
    const std::string owner = owner_of_object(name);
    check_may_view(subject, owner, caller);
    check_object_name(name);
    return {owner, name, name.substr(name.rfind('/') + 1)};
  }
  const auto job = ports_.jobs.find(subject.job);
  check_may_view(subject, job ? job->owner : std::string(), caller);
  if (subject.input) {
    return {job->owner, job->request.object, job->request.name};
  }
  if (!job->result) {
    throw http::ProblemError(http::make_problem(
        "not-finished", fmt::format("The job is {} and has no result.", to_string(job->state))));
  }
  return {job->owner, job->result->object, job->result->file_name};
}

ImageServer::FoundPicture ImageServer::picture_of(const http::Request& request) {
  return picture_of(request, ViewIdentifier(request.parameter("identifier")).subject, caller_of(request));
}

ImageServer::FoundPicture ImageServer::picture_of(const http::Request& request, const std::string& subject,
                                                  const Caller& caller) {
  const ViewSubject named(subject);
  auto picture = pictures_.find(subject, [&] {
    return std::make_shared<const Picture>(look_up(request, named, source_of(named, caller)));
  });
  check_may_view(named, picture->file.owner, caller);  // somebody else may have asked for it before
  return picture;
}

ImageServer::Picture ImageServer::look_up(const http::Request& request, const ViewSubject& subject,
                                          const Source& source) {
  const std::optional<ObjectInfo> object = ports_.objects.stat(source.object);
  if (!object) {
    ports_.objects.check();  // reports an unavailable store instead of a missing object
    throw Error(ErrorCode::not_found,
                fmt::format("The image '{}' is gone; it may have expired.", source.name));
  }
  Picture picture;
  picture.object = *object;
  picture.file.owner = source.owner;
  picture.file.key = version_of(picture.object);
  picture.file.name = source.name;
  if (subject.pipeline) {
    picture.file.pipeline =
        check_pipeline({{"pipeline", *subject.pipeline}}, options_.presets).at("pipeline");
  }
  picture.version = fmt::format("{} {}", picture.file.key, picture.file.pipeline.dump());
  // The results of jobs never change. What a pipeline makes of them may, with the service's version.
  picture.immutable = !subject.job.empty() && !subject.input && !subject.pipeline;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = sizes_.find(picture.version); known != sizes_.end()) {
      picture.size = known->second;
      return picture;
    }
  }
  const ImageShown shown = pool_.describe(open(request, picture), [&request] { request.check_cancelled(); });
  picture.size = {shown.width_px, shown.height_px};
  const std::scoped_lock lock(mutex_);
  if (sizes_.size() >= max_remembered) {
    sizes_.erase(sizes_.begin());
  }
  sizes_[picture.version] = picture.size;
  return picture;
}

ViewedFile ImageServer::open(const http::Request& request, const Picture& picture) {
  ViewedFile file = picture.file;
  file.file = files_.open(picture.object, [&request] { request.check_cancelled(); });
  return file;
}

http::Response ImageServer::create(const http::Request& request) {
  const Json json = json_of(request, max_json_bytes);
  const Caller& caller = caller_of(request);
  const std::string subject = view_subject(json, options_.presets);
  const FoundPicture picture = picture_of(request, subject, caller);
  const TimePoint expires = options_.now() + options_.link_lifetime;
  const std::string signature = ports_.access.sign_subject(caller, subject, expires);
  const std::string identifier = signature.empty() ? subject : fmt::format("{}~{}", subject, signature);
  const std::string encoded = percent_encode(identifier);
  return http::json_response(
      200, {{"identifier", identifier},
            {"info", fmt::format("{}/iiif/{}/info.json", options_.public_url, encoded)},
            {"tiles", fmt::format("{}/tiles/{}/{{z}}/{{x}}/{{y}}.png", options_.public_url, encoded)},
            {"tile_levels", xyz_levels(picture->size) + 1},
            {"width_px", picture->size.width},
            {"height_px", picture->size.height},
            {"expires", to_iso8601(expires)}});
}

http::Response ImageServer::describe(const http::Request& request) {
  const FoundPicture picture = picture_of(request);
  const std::string info = iiif_info(fmt::format("{}/iiif/{}", options_.public_url,
                                                 percent_encode(request.parameter("identifier"))),
                                     picture->size, options_.pool.max_part_pixels)
                               .dump() +
                           "\n";
  const bool linked = request.header("Accept").find("application/ld+json") != std::string::npos;
  const std::string etag = picture->etag(info + (linked ? "ld" : ""));
  http::Response response = matches_etag(request.header("If-None-Match"), etag)
                                ? http::Response{304, {}, std::string()}
                                : http::text_response(200, info, linked ? info_type : "application/json");
  return finished(std::move(response), etag, kept_for_minutes).with("Vary", "Accept");
}

IiifPart ImageServer::iiif_part(const http::Request& request, const PictureSize& size) const {
  return parse_iiif(request.parameter("region"), request.parameter("size"), request.parameter("rotation"),
                    request.parameter("quality"), size, options_.pool.max_part_pixels);
}

IiifPart ImageServer::xyz_tile(const http::Request& request, const PictureSize& size) const {
  auto part = parse_xyz(request.parameter("z"), request.parameter("x"), request.parameter("y"), size);
  if (!part) {
    throw Error(ErrorCode::not_found,
                fmt::format("The picture, which is {}x{}, has no tile {}/{}/{}.", size.width, size.height,
                            request.parameter("z"), request.parameter("x"), request.parameter("y")));
  }
  return *std::move(part);
}

std::optional<http::Response> ImageServer::known_part(http::Request& request, PartOf part_of) {
  const ViewIdentifier identifier(request.parameter("identifier"));
  const auto caller = ports_.access.known_signer(identifier.subject, identifier.signature);
  const FoundPicture picture = caller ? pictures_.known(identifier.subject) : nullptr;
  if (!picture) {
    return std::nullopt;
  }
  note_identifier(request, identifier);
  check_may_view(ViewSubject(identifier.subject), picture->file.owner, *caller);
  return kept(request, *picture, (this->*part_of)(request, picture->size));
}

http::Response ImageServer::show(const http::Request& request, const Picture& picture, const IiifPart& part) {
  if (auto known = kept(request, picture, part)) {
    return *std::move(known);
  }
  const auto content =
      pool_.render(open(request, picture), part.part, [&request] { request.check_cancelled(); });
  const std::string etag = picture.etag(part.canonical);
  parts_.keep(etag, content);
  return finished_part(request, picture, part, etag, content);
}

std::optional<http::Response> ImageServer::kept(const http::Request& request, const Picture& picture,
                                                const IiifPart& part) {
  const std::string etag = picture.etag(part.canonical);
  const bool client_has_it = matches_etag(request.header("If-None-Match"), etag);
  const auto content = client_has_it ? nullptr : parts_.find(etag);
  return client_has_it || content ? std::optional(finished_part(request, picture, part, etag, content))
                                  : std::nullopt;
}

http::Response ImageServer::finished_part(const http::Request& request, const Picture& picture,
                                          const IiifPart& part, const std::string& etag,
                                          std::shared_ptr<const std::string> content) const {
  http::Response response{304, {}, std::string()};
  if (content) {
    response = {200,
                {{"Content-Type", std::string(format_info(part.format).media_type)}},
                http::SharedContent{std::move(content)}};
  }
  return finished(std::move(response), etag, picture.immutable ? kept_for_a_day : kept_for_minutes)
      .with("Link", fmt::format("<{}/iiif/{}/{}>;rel=\"canonical\", "
                                "<http://iiif.io/api/image/3/level2.json>;rel=\"profile\"",
                                options_.public_url, percent_encode(request.parameter("identifier")),
                                part.canonical));
}

http::Response ImageServer::finished(http::Response response, const std::string& etag,
                                     const char* kept_for) const {
  response.with("ETag", etag)
      .with("Cache-Control", kept_for)
      .with("Content-Security-Policy", "default-src 'none'; sandbox");
  if (!ports_.access.open()) {
    // Whoever asks has sent a token or a signature, which pages of others do not have.
    response.with("Access-Control-Allow-Origin", "*");
  }
  return response;
}

}  // namespace tessera::service
