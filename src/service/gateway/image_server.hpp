// SPDX-License-Identifier: Apache-2.0
// Parts of stored images for viewers, at /iiif and /tiles. An identifier in these addresses is
//
//   SOURCE[@PIPELINE][~SIGNATURE]
//
// where SOURCE is the name of an object, a job (its result), or JOB:input (the image that it was submitted with); and
// PIPELINE, as text, makes the picture the processed one. With a signature an address works without a token
// (Access::sign_subject).
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "http/router.hpp"
#include "plan/pipeline.hpp"
#include "ports/job_store.hpp"
#include "service/access.hpp"
#include "service/gateway/iiif.hpp"
#include "service/gateway/view_address.hpp"
#include "service/object_files.hpp"
#include "service/part_cache.hpp"
#include "service/recent_values.hpp"
#include "service/view_pool.hpp"

namespace tessera::service {

struct ImageServerOptions {
  std::string public_url;  ///< of this gateway
  Presets presets;
  std::chrono::seconds link_lifetime{3600};                 ///< of signed addresses
  std::int64_t max_cached_bytes = std::int64_t{128} << 20;  ///< of encoded parts
  ViewPoolOptions pool;
  ObjectFilesOptions files;
  Clock now = system_now;
};

/// Must outlive the server of images.
struct ImageServerPorts {
  JobStore& jobs;
  ObjectStore& objects;
  Access& access;
};

class ImageServer {
 public:
  ImageServer(ImageServerOptions options, ImageServerPorts ports);

  /// Adds its routes. It must outlive the server that uses them.
  void mount(http::Router& router);
  /// Ends requests under way. For the end of the server.
  void stop() { pool_.end(); }

 private:
  /// What SOURCE[@PIPELINE] names.
  struct Picture {
    ViewedFile file;  ///< not open
    ObjectInfo object;
    std::string version;  ///< of the object and the pipeline
    PictureSize size;     ///< of the processed picture
    bool immutable = false;
    [[nodiscard]] std::string etag(const std::string& of) const;
  };
  using FoundPicture = RecentValues<Picture>::Found;
  struct Source {
    std::string owner;
    std::string object;
    std::string name;
  };
  /// The part of a picture that a request asks for.
  using PartOf = IiifPart (ImageServer::*)(const http::Request&, const PictureSize&) const;

  void mount_pictures(http::Router& router);
  [[nodiscard]] http::Response create(const http::Request& request);
  [[nodiscard]] http::Response describe(const http::Request& request);
  [[nodiscard]] IiifPart iiif_part(const http::Request& request, const PictureSize& size) const;
  [[nodiscard]] IiifPart xyz_tile(const http::Request& request, const PictureSize& size) const;
  /// For addresses with a signature: from what is in memory, without blocking, or nothing.
  [[nodiscard]] std::optional<http::Response> known_part(http::Request& request, PartOf part_of);
  [[nodiscard]] http::Response show(const http::Request& request, const Picture& picture,
                                    const IiifPart& part);
  /// 304 if the client has it, the part if it is in the cache, or nothing.
  [[nodiscard]] std::optional<http::Response> kept(const http::Request& request, const Picture& picture,
                                                   const IiifPart& part);
  /// Without content: 304.
  [[nodiscard]] http::Response finished_part(const http::Request& request, const Picture& picture,
                                             const IiifPart& part, const std::string& etag,
                                             std::shared_ptr<const std::string> content) const;
  [[nodiscard]] http::Response finished(http::Response response, const std::string& etag,
                                        const char* kept_for) const;

  // They throw Error(not_found), also for what the caller may not see, and Error(forbidden) for pipelines over others'
  // images.
  [[nodiscard]] Source source_of(const ViewSubject& subject, const Caller& caller);
  [[nodiscard]] FoundPicture picture_of(const http::Request& request, const std::string& subject,
                                        const Caller& caller);
  [[nodiscard]] FoundPicture picture_of(const http::Request& request);

  [[nodiscard]] Picture look_up(const http::Request& request, const ViewSubject& subject,
                                const Source& source);
  [[nodiscard]] ViewedFile open(const http::Request& request, const Picture& picture);

  const ImageServerOptions options_;
  ImageServerPorts ports_;
  ObjectFiles files_;
  PartCache parts_;
  ViewPool pool_;

  RecentValues<Picture> pictures_;  ///< by SOURCE[@PIPELINE]; viewers ask for many tiles of one

  std::mutex mutex_;
  std::map<std::string, PictureSize> sizes_;  ///< by version; guarded by mutex_
};

}  // namespace tessera::service
