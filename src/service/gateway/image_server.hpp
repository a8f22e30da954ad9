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
#include "service/object_files.hpp"
#include "service/part_cache.hpp"
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
  /// What an identifier names, for a caller who may see it.
  struct Picture {
    std::string identifier;  ///< with its signature
    ViewedFile file;         ///< not open yet
    ObjectInfo object;
    PictureSize size;  ///< of the processed picture
    [[nodiscard]] std::string etag(const std::string& of) const;
  };
  struct Source {
    std::string owner;
    std::string object;
    std::string name;
  };

  void mount_pictures(http::Router& router);
  [[nodiscard]] http::Response create(const http::Request& request);
  [[nodiscard]] http::Response describe(const http::Request& request);
  [[nodiscard]] http::Response iiif_part(const http::Request& request);
  [[nodiscard]] http::Response xyz_tile(const http::Request& request);
  [[nodiscard]] http::Response show(const http::Request& request, Picture picture, const IiifPart& part);

  /// Throw Error(not_found), also for what the caller may not see, and Error(forbidden) for pipelines over others'
  /// images.
  [[nodiscard]] Source source_of(const std::string& name, const Caller& caller);
  [[nodiscard]] Picture picture_of(const http::Request& request, const std::string& identifier,
                                   const Caller& caller);
  [[nodiscard]] Picture picture_of(const http::Request& request);
  [[nodiscard]] ObjectInfo stat(const std::string& object);
  /// The checked pipeline of a text.
  [[nodiscard]] Json pipeline_of(const std::string& text);
  /// Opens the file, if that has not been done.
  void open(const http::Request& request, Picture& picture);
  [[nodiscard]] http::Response finished(const http::Request& request, std::string content,
                                        const std::string& type, const std::string& etag) const;

  const ImageServerOptions options_;
  ImageServerPorts ports_;
  ObjectFiles files_;
  PartCache parts_;
  ViewPool pool_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<std::string, PictureSize> sizes_;  ///< by version of the object and pipeline
  struct Stat {
    ObjectInfo info;
    std::chrono::steady_clock::time_point at;
  };
  std::map<std::string, Json> pipelines_;  ///< by text
  std::map<std::string, Stat> stats_;      ///< by object; viewers ask for many tiles of one
};

}  // namespace tessera::service
